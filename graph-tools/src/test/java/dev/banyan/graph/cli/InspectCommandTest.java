package dev.banyan.graph.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.Fixtures;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class InspectCommandTest {
  @Test
  void layersOfOneKindAreShownOnOneLine() {
    assertThat(run(Fixtures.export("bert_dynamo18")))
        .contains("opset 18")
        .contains("13 layers can carry an adapter")
        .containsPattern("encoder\\.layer\\.\\*\\.attention\\.self\\.query +x2 +32 -> 32")
        .contains("names: dense,key,query,value");
  }

  @Test
  void jsonNamesEverySite() {
    String text = run(Fixtures.export("distilbert_opset14"), "--json");
    ObjectNode json = JsonText.parse("output", text.getBytes(StandardCharsets.UTF_8));

    assertThat(json.path("opset").asInt()).isEqualTo(14);
    assertThat(json.path("inputs").path(0).path("name").asText()).isEqualTo("input_ids");
    assertThat(json.path("sites")).hasSize(12);
    assertThat(json.path("sites").path(0).path("path").asText())
        .isEqualTo("transformer.layer.0.attention.q_lin");
    assertThat(json.path("sites").path(0).path("in").asInt()).isEqualTo(32);
    assertThat(json.path("operators").path("MatMul").asInt()).isEqualTo(16);
  }

  @Test
  void anOptimizedDecoderIsExplainedRatherThanRefused() {
    assertThat(run(Fixtures.smolLm()))
        .contains("0 layers can carry an adapter")
        .contains("com.microsoft.MatMulNBits: its weight is quantized")
        .containsPattern("past_key_values\\.\\*\\.key .* x30");
  }

  private static String run(Path model, String... more) {
    StringWriter printed = new StringWriter();
    CommandLine command =
        new CommandLine(new InspectCommand())
            .setOut(new PrintWriter(printed))
            .setErr(new PrintWriter(printed));
    String[] arguments = new String[more.length + 1];
    arguments[0] = model.toString();
    System.arraycopy(more, 0, arguments, 1, more.length);
    assertThat(command.execute(arguments)).as(printed::toString).isZero();
    return printed.toString();
  }
}
