package dev.banyan.graph.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.Fixtures;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class QuantizeCommandTest {
  private static final Path MODEL = Fixtures.export("bert_opset17");

  @TempDir Path folder;

  private final StringWriter printed = new StringWriter();

  @Test
  void theReportHasALineForEachKindOfLayer() {
    assertThat(run("--scheme", "nf4", "--block-size", "32", "--double-quant")).isZero();
    assertThat(printed.toString())
        .contains("13 layers in nf4, blocks of 32, magnitudes in 8 bits")
        .containsPattern(
            "encoder\\.layer\\.\\*\\.attention\\.self\\.query +x2 +0\\.0 -> +0\\.0 +\\d+\\.\\d\\d% +\\d+\\.\\d\\d%")
        .contains("answers     'last_hidden_state' to random tokens is ")
        .containsPattern("size +0\\.1 -> 0\\.\\d MiB")
        .contains("written to " + folder.resolve("q.onnx"));
  }

  @Test
  void jsonNamesEveryLayerWithItsErrors() throws Exception {
    assertThat(run("--scheme", "int8", "--exclude", "dense", "--json")).isZero();
    ObjectNode json = JsonText.parse("output", printed.toString().getBytes(StandardCharsets.UTF_8));
    assertThat(json.path("quantization").asText()).isEqualTo("int8, blocks of 32");
    assertThat(json.path("bytes_before").asLong()).isEqualTo(Files.size(MODEL));
    assertThat(json.path("bytes_after").asLong()).isEqualTo(Files.size(folder.resolve("q.onnx")));
    assertThat(json.path("layers")).hasSize(6);
    JsonNode layer = json.path("layers").path(0);
    assertThat(layer.path("path").asText()).isEqualTo("encoder.layer.0.attention.self.query");
    assertThat(layer.path("bytes_before").asLong()).isEqualTo(32 * 32 * 4);
    assertThat(layer.path("bytes_after").asLong()).isEqualTo(32 * 32 + 32 * 4);
    assertThat(layer.path("mean_error").asDouble()).isBetween(1e-3, 1e-2);
    assertThat(layer.path("max_error").asDouble()).isBetween(1e-3, 1e-2);
    assertThat(json.path("left")).isNotEmpty();
    assertThat(json.path("answers").path(0).path("relative").asDouble()).isBetween(1e-5, 0.02);
  }

  @Test
  void whatNoOperatorTakesIsAMistakeOfUsage() {
    assertThat(run("--scheme", "int4", "--double-quant")).isEqualTo(2);
    assertThat(printed.toString()).contains("double quantization is for nf4 and fp4");
    assertThat(run("--scheme", "int4", "--block-size", "100")).isEqualTo(2);
    assertThat(folder.resolve("q.onnx")).doesNotExist();
  }

  private int run(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of("--model", MODEL.toString(), "--out", folder.resolve("q.onnx").toString()));
    arguments.addAll(List.of(more));
    return new CommandLine(new QuantizeCommand())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(new PrintWriter(printed))
        .setErr(new PrintWriter(printed))
        .execute(arguments.toArray(String[]::new));
  }
}
