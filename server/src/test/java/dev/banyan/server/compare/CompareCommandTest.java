package dev.banyan.server.compare;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
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

  @Test
  void aBundlesBaseTakesOtherMethods() throws Exception {
    PrepareRequest request =
        new PrepareRequest(
            RECORDED.resolve("encoder.onnx"),
            RECORDED.resolve("tokenizer.json"),
            Task.TEXT_CLASSIFICATION,
            new SiteChoice("key", Optional.empty(), Optional.of("1")),
            Pooling.POOLER,
            OptionalInt.of(16),
            folder.resolve("bundle"));
    Bundle bundle = GraphTools.prepare(request).bundle();
    Called called =
        command(
            "--bundle=" + bundle.dir(),
            "--methods=ia3,bitfit",
            "--data=" + data(),
            "--eval=" + data(),
            "--epochs=1",
            "--out=" + folder.resolve("out"),
            "--json");
    assertThat(called.exitCode()).as(called.err()).isZero();
    assertThat(called.out()).contains("\"model\":\"encoder.onnx\"");
    Bundle ia3 = Bundle.open(folder.resolve("out/bundles/ia3"));
    assertThat(ia3.manifest().base()).isEqualTo(bundle.manifest().base());
    assertThat(ia3.manifest().text()).isEqualTo(bundle.manifest().text());
    assertThat(ia3.manifest().adapter().sites()).isEqualTo(bundle.manifest().adapter().sites());
  }

  @Test
  void oneBaseIsNeeded() throws Exception {
    String[] rest = {"--data=" + data(), "--eval=" + data(), "--out=" + folder.resolve("out")};
    Called none = command(rest);
    assertThat(none.exitCode()).isEqualTo(2);
    assertThat(none.err()).contains("--bundle is missing, or --model, --tokenizer and --task");
    Called both = call("--bundle=b", "--out=" + folder.resolve("out"));
    assertThat(both.exitCode()).isEqualTo(2);
    assertThat(both.err()).contains("leave out --model");
  }

  private Path data() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      lines.add(
          "{\"text\": \"%s %d\", \"label\": \"%s\"}"
              .formatted(i % 2 == 0 ? "charged twice" : "page white", i, "ab".charAt(i % 2)));
    }
    return Files.write(folder.resolve("data.jsonl"), lines);
  }

  private Called call(String... more) throws Exception {
    Path data = data();
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
    return command(arguments.toArray(String[]::new));
  }

  private static Called command(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        new CommandLine(new CompareCommand())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments);
    return new Called(exitCode, out.toString(), err.toString());
  }
}
