package dev.banyan.graph.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeReport.Requantized;
import dev.banyan.graph.MergeRequest;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code banyan merge}: base and adapter as one plain model. */
@Command(
    name = "merge",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Merge an adapter into its base: one ONNX model without a trace of LoRA, for any runtime.",
      "It is written only if it answers random texts as base and adapter do. Layers that are stored",
      "in few bits are stored so again, and what that costs is reported."
    })
public final class MergeCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--bundle",
      required = true,
      paramLabel = "DIR",
      description = "Bundle made by 'banyan prepare'.")
  private Path bundle = Path.of("");

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "DIR",
      description = "Adapter made by 'banyan train' or by PEFT.")
  private Path adapter = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "M.onnx",
      description = "The model file to make; an older one there is replaced.")
  private Path out = Path.of("");

  @Option(
      names = "--external-data",
      description =
          "Put the weights into M.onnx.data beside the model, as is always done from 2 GiB on.")
  private boolean externalData;

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** A command with default flags; picocli sets the others. */
  public MergeCommand() {}

  @Override
  public Integer call() {
    MergeReport report = GraphTools.merge(new MergeRequest(bundle, adapter, out, externalData));
    PrintWriter screen = Objects.requireNonNull(spec).commandLine().getOut();
    if (json) {
      screen.println(JsonText.line(asJson(report)));
    } else {
      print(report, screen);
    }
    screen.flush();
    return 0;
  }

  /** The same words wherever a merge is reported. */
  static void print(MergeReport report, PrintWriter screen) {
    screen.printf(
        Locale.ROOT,
        "Merged into %d layers, no weight changed by more than %.3g%n",
        report.layers(),
        report.change());
    screen.printf(Locale.ROOT, "  outputs     %s%n", outputs(report));
    if (!report.labels().isEmpty()) {
      screen.printf(Locale.ROOT, "  labels      %s%n", String.join(", ", report.labels()));
    }
    report.requantized().ifPresent(rounding -> print(rounding, screen));
    printAnswers(report, screen);
    screen.printf(
        Locale.ROOT,
        "  %.1f s, written to %s%n",
        report.time().toMillis() / 1000.0,
        String.join(" and ", report.files().stream().map(Path::toString).toList()));
  }

  /** A decoder has keys and values of each layer among its outputs. */
  private static String outputs(MergeReport report) {
    List<String> own =
        report.outputs().stream().filter(name -> !name.startsWith("present")).toList();
    int past = report.outputs().size() - own.size();
    return String.join(", ", own) + (past == 0 ? "" : ", and %d of the past".formatted(past));
  }

  private static void print(Requantized rounding, PrintWriter screen) {
    screen.printf(
        Locale.ROOT,
        "  few bits    %d layers are stored as before, the worst with its weights %.2f%% off, within %.2f rounding steps; they keep %.0f%% of the adapter's change, and rounding adds %.2f times its length%n",
        rounding.layers(),
        100 * rounding.meanError(),
        rounding.steps(),
        100 * rounding.kept(),
        rounding.rounding());
  }

  private static void printAnswers(MergeReport report, PrintWriter screen) {
    double difference = report.answers().difference();
    OptionalDouble bare = report.answers().withoutAdapter();
    screen.printf(
        Locale.ROOT,
        "  self-check  answers differ from base and adapter by %.1e at most%s%n",
        difference,
        bare.isPresent()
            ? ", those of the base without it by %.1e".formatted(bare.getAsDouble())
            : "");
    if (bare.isPresent() && difference > bare.getAsDouble() / 2) {
      screen.println(
          "  warning     much of the adapter is lost in rounding: serve base and adapter, or merge over a bundle made with 'prepare --dequantize', which keeps all of it in floats");
    }
  }

  static ObjectNode asJson(MergeReport report) {
    ObjectNode object =
        JsonText.object()
            .put("layers", report.layers())
            .put("largest_change", report.change())
            .put("difference", report.answers().difference())
            .put("seconds", report.time().toMillis() / 1000.0);
    report
        .answers()
        .withoutAdapter()
        .ifPresent(bare -> object.put("difference_without_adapter", bare));
    report
        .requantized()
        .ifPresent(
            rounding ->
                object
                    .putObject("requantized")
                    .put("layers", rounding.layers())
                    .put("mean_error", rounding.meanError())
                    .put("steps", rounding.steps())
                    .put("kept", rounding.kept())
                    .put("rounding", rounding.rounding()));
    ArrayNode files = object.putArray("files");
    report.files().forEach(file -> files.add(file.toString()));
    report.outputs().forEach(object.putArray("outputs")::add);
    report.labels().forEach(object.putArray("labels")::add);
    return object;
  }
}
