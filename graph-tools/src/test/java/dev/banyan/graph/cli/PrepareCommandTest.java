package dev.banyan.graph.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.training.Bundles;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class PrepareCommandTest {
  @TempDir Path folder;

  @Test
  void printsSitesAndParameterCounts() {
    assertThat(run(0, "--targets", "query,value"))
        .contains("encoder.layer.1.attention.self.value")
        .contains("4 sites")
        .contains("= 256 x rank + 33 x labels");
  }

  @Test
  void jsonIsOneObject() {
    String text = run(0, "--targets", "query,value", "--max-length", "16", "--json");
    ObjectNode json = JsonText.parse("output", text.getBytes(StandardCharsets.UTF_8));
    assertThat(json.path("parameters_per_rank").asLong()).isEqualTo(256);
    assertThat(json.path("trainable_parameters_rank_8").asLong()).isEqualTo(256 * 8 + 33 * 2);
    assertThat(json.path("max_length").asInt()).isEqualTo(16);
    assertThat(json.path("sites")).hasSize(4);
    assertThat(json.path("difference").asDouble()).isLessThan(1e-5);
  }

  @Test
  void anUnknownTaskIsAUsageError() {
    assertThat(run(2, "--targets", "query", "--task", "translation"))
        .contains("embedding or causal-lm");
  }

  /** Runs the command with what every run needs; what it printed, errors too. */
  private String run(int exitCode, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--model",
                Fixtures.export("bert_opset17").toString(),
                "--tokenizer",
                Bundles.tokenizer(folder, 40).toString(),
                "--out",
                folder.resolve("bundle").toString()));
    arguments.addAll(List.of(more));
    if (!arguments.contains("--task")) {
      arguments.addAll(List.of("--task", "text-classification"));
    }
    StringWriter printed = new StringWriter();
    CommandLine command =
        new CommandLine(new PrepareCommand())
            .setOut(new PrintWriter(printed))
            .setErr(new PrintWriter(printed));
    assertThat(command.execute(arguments.toArray(String[]::new)))
        .as(printed::toString)
        .isEqualTo(exitCode);
    return printed.toString();
  }
}
