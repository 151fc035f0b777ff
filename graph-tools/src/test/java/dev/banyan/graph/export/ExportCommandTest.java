package dev.banyan.graph.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.cli.ExportCommand;
import dev.banyan.graph.cli.MergeCommand;
import dev.banyan.graph.training.Bundles;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ExportCommandTest {
  @TempDir Path folder;

  private String bundle = "";
  private String adapter = "";

  @BeforeEach
  void prepare() {
    Bundle made =
        GraphTools.prepare(
                new PrepareRequest(
                    Fixtures.export("bert_opset17"),
                    Bundles.tokenizer(folder, 40),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("query"),
                    Pooling.MEAN,
                    OptionalInt.empty(),
                    folder.resolve("bundle")))
            .bundle();
    bundle = made.dir().toString();
    adapter =
        TrainedAdapter.write(
                made.manifest(), List.of("yes", "no"), any -> true, 0.2, folder.resolve("adapter"))
            .toString();
  }

  @Test
  void mergeReportsOneJsonObject() {
    String out = folder.resolve("m.onnx").toString();
    String text =
        run(
            new MergeCommand(),
            0,
            "--bundle",
            bundle,
            "--adapter",
            adapter,
            "--out",
            out,
            "--json");
    ObjectNode json = JsonText.parse("output", text.getBytes(StandardCharsets.UTF_8));
    assertThat(json.path("layers").asInt()).isEqualTo(2);
    assertThat(json.path("difference").asDouble()).isLessThan(1e-5);
    assertThat(json.path("files")).hasSize(1);
    assertThat(json.path("labels").get(0).asText()).isEqualTo("yes");
    assertThat(folder.resolve("m.onnx")).exists();
  }

  @Test
  void exportWritesEveryFormat() {
    assertThat(export(0, "onnx_adapter", "a.onnx_adapter", "--bundle", bundle))
        .contains("6 tensors");
    assertThat(export(0, "peft", "peft", "--dtype", "bf16")).contains("6 tensors");
    assertThat(export(0, "onnx", "m.onnx", "--bundle", bundle)).contains("Merged into 2 layers");
    assertThat(folder.resolve("a.onnx_adapter")).isNotEmptyFile();
    assertThat(folder.resolve("peft")).isNotEmptyDirectory();
    assertThat(folder.resolve("m.onnx")).isNotEmptyFile();
  }

  @Test
  void aFormatThatNeedsTheBundleAsksForIt() {
    assertThat(export(2, "onnx_adapter", "a.onnx_adapter"))
        .contains("--bundle is needed for --format onnx_adapter");
  }

  private String export(int exitCode, String format, String out, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--adapter", adapter, "--format", format, "--out", folder.resolve(out).toString()));
    arguments.addAll(List.of(more));
    return run(new ExportCommand(), exitCode, arguments.toArray(String[]::new));
  }

  private static String run(Object command, int exitCode, String... arguments) {
    StringWriter printed = new StringWriter();
    CommandLine line =
        new CommandLine(command)
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setOut(new PrintWriter(printed))
            .setErr(new PrintWriter(printed));
    assertThat(line.execute(arguments)).as(printed::toString).isEqualTo(exitCode);
    return printed.toString();
  }
}
