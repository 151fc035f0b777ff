package dev.banyan.server.compare;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.banyan.artifacts.integrity.JsonText;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CompareCommandTest {
  private static final Path RECORDED = Path.of("..", "benchmarks", "parity", "fixtures", "peft");

  @TempDir Path folder;

  /** What a call of the command gave. */
  private record Called(int exitCode, String out, String err) {}

  @Test
  void everyMethodIsTrainedAndOneThatFailsIsTold() throws Exception {
    Called called =
        call(
            "--methods=lora,lora+ia3",
            "--method=ia3:targets=no-such-layer",
            "--seeds=1,2",
            "--out=" + folder.resolve("out"),
            "--json");
    assertThat(called.exitCode()).as(called.err()).isEqualTo(1);
    JsonNode methods =
        JsonText.parse("out", called.out().getBytes(StandardCharsets.UTF_8)).path("methods");
    assertThat(methods).hasSize(3);
    for (int i = 0; i < 2; i++) {
      JsonNode method = methods.get(i);
      assertThat(method.path("scores")).hasSize(2);
      assertThat(method.path("accuracy").asDouble()).isBetween(0.0, 1.0);
      assertThat(method.path("ms_per_step").asDouble()).isPositive();
      assertThat(method.path("peak_rss_mib").asLong()).isPositive();
      assertThat(method.path("serving_cost").asDouble()).isPositive();
    }
    // Two layers: A and B of rank 8 for two sites of 32 by 32, and a head for two labels.
    assertThat(methods.get(0).path("trainable_parameters").asLong())
        .isEqualTo(4 * 2 * 8 * 32 + 2 * 32 + 2);
    assertThat(methods.get(1).path("trainable_parameters").asLong())
        .isEqualTo(methods.get(0).path("trainable_parameters").asLong() + 4 * 32);
    assertThat(methods.get(2).path("problem").asText()).contains("no-such-layer");
    assertThat(Files.readString(folder.resolve("out/table.md")))
        .contains("| lora |", "| lora+ia3 |", "failed");
    assertThat(Files.readString(folder.resolve("out/picture.svg"))).contains("lora+ia3</text>");
    assertThat(folder.resolve("out/adapters/lora/seed-2/adapter_config.json")).exists();
  }

  @Test
  void aMethodThatDoesNotExistIsRefusedBeforeAnythingIsTrained() throws Exception {
    Called called = call("--methods=lora,lora2", "--out=" + folder.resolve("out"));
    assertThat(called.exitCode()).isEqualTo(2);
    assertThat(called.err()).contains("'lora2'", "lora, ");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  private Called call(String... more) throws Exception {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      lines.add(
          "{\"text\": \"%s %d\", \"label\": \"%s\"}"
              .formatted(i % 2 == 0 ? "charged twice" : "page white", i, "ab".charAt(i % 2)));
    }
    Path data = Files.write(folder.resolve("data.jsonl"), lines);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--model=" + RECORDED.resolve("encoder.onnx"),
                "--tokenizer=" + RECORDED.resolve("tokenizer.json"),
                "--task=text-classification",
                "--pooling=pooler",
                "--targets=query,value",
                "--data=" + data,
                "--eval=" + data,
                "--epochs=1",
                "--batch-size=4",
                "--threads=1"));
    arguments.addAll(Arrays.asList(more));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        new CommandLine(new CompareCommand())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments.toArray(String[]::new));
    return new Called(exitCode, out.toString(), err.toString());
  }
}
