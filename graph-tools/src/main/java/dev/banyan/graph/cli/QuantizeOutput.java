package dev.banyan.graph.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.QuantizeReport;
import dev.banyan.graph.QuantizeReport.Answer;
import dev.banyan.graph.QuantizeReport.Layer;
import dev.banyan.graph.QuantizeReport.Left;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What {@code banyan quantize} says. */
final class QuantizeOutput {
  private QuantizeOutput() {}

  static void print(QuantizeReport report, PrintWriter screen) {
    screen.printf("%d layers in %s%n", report.layers().size(), report.quantization());
    screen.printf("  %-48s %-4s %13s %9s %9s%n", "", "", "MiB", "mean", "max");
    ModuleFamilies.of(report.layers(), Family::of)
        .forEach((family, layers) -> print(family, layers, screen));
    screen.println(
        "  errors of weights: of the mean, and of the greatest, magnitude in the layer; the worst"
            + " layer counts");
    ModuleFamilies.of(report.left(), Left::reason)
        .forEach(
            (reason, left) ->
                screen.printf(
                    "  left        %d: %s (such as %s)%n",
                    left.size(), reason, left.getFirst().path()));
    report.answers().outputs().forEach(answer -> print(answer, screen));
    report
        .answers()
        .skipped()
        .ifPresent(reason -> screen.printf("  answers     not measured: %s%n", reason));
    screen.printf(
        Locale.ROOT,
        "  size        %s -> %s MiB (%.2f)%n",
        mebibytes(report.size().before()),
        mebibytes(report.size().after()),
        (double) report.size().after() / report.size().before());
    screen.printf(
        Locale.ROOT,
        "  %.1f s, written to %s%n",
        report.time().toMillis() / 1000.0,
        String.join(" and ", report.files().stream().map(Path::toString).toList()));
  }

  /** Layers of the same shape whose paths differ in numbers alone. */
  private record Family(String path, List<Long> shape) {
    static Family of(Layer layer) {
      return new Family(ModuleFamilies.numbersHidden(layer.path()), layer.shape());
    }
  }

  private static void print(Family family, List<Layer> layers, PrintWriter screen) {
    screen.printf(
        Locale.ROOT,
        "  %-48s x%-3d %5s -> %5s %8.2f%% %8.2f%%%n",
        family.path(),
        layers.size(),
        mebibytes(layers.stream().mapToLong(layer -> layer.size().before()).sum()),
        mebibytes(layers.stream().mapToLong(layer -> layer.size().after()).sum()),
        100 * layers.stream().mapToDouble(layer -> layer.error().mean()).max().orElse(0),
        100 * layers.stream().mapToDouble(layer -> layer.error().max()).max().orElse(0));
  }

  private static void print(Answer answer, PrintWriter screen) {
    screen.printf(
        Locale.ROOT,
        "  answers     '%s' to random tokens is %.2f%% of its length away, one number %.3g at most%s%n",
        answer.name(),
        100 * answer.relative(),
        answer.largest(),
        answer
            .sameChoice()
            .map(share -> "; the same token is likeliest in %.0f%%".formatted(100 * share))
            .orElse(""));
  }

  private static String mebibytes(long bytes) {
    return "%.1f".formatted(bytes / 1048576.0);
  }

  static ObjectNode asJson(QuantizeReport report) {
    ObjectNode json =
        JsonText.object()
            .put("quantization", report.quantization())
            .put("bytes_before", report.size().before())
            .put("bytes_after", report.size().after())
            .put("seconds", report.time().toMillis() / 1000.0);
    ArrayNode files = json.putArray("files");
    report.files().forEach(file -> files.add(file.toString()));
    ArrayNode layers = json.putArray("layers");
    for (Layer layer : report.layers()) {
      layers
          .addObject()
          .put("path", layer.path())
          .put("rows", layer.shape().getFirst())
          .put("columns", layer.shape().getLast())
          .put("bytes_before", layer.size().before())
          .put("bytes_after", layer.size().after())
          .put("mean_error", layer.error().mean())
          .put("max_error", layer.error().max());
    }
    ArrayNode left = json.putArray("left");
    report
        .left()
        .forEach(layer -> left.addObject().put("path", layer.path()).put("reason", layer.reason()));
    ArrayNode answers = json.putArray("answers");
    for (Answer answer : report.answers().outputs()) {
      ObjectNode one =
          answers
              .addObject()
              .put("output", answer.name())
              .put("relative", answer.relative())
              .put("largest", answer.largest());
      answer.sameChoice().ifPresent(share -> one.put("same_choice", share));
    }
    report.answers().skipped().ifPresent(reason -> json.put("answers_skipped", reason));
    return json;
  }
}
