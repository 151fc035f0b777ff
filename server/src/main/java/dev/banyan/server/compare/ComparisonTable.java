package dev.banyan.server.compare;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.server.compare.Compared.Figures;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * What came out, as Markdown and as JSON.
 *
 * @param plan what was compared
 * @param rows one a method
 */
record ComparisonTable(ComparisonPlan plan, List<Compared> rows) {
  /** Copies the list. */
  ComparisonTable {
    rows = List.copyOf(rows);
  }

  /** A table with a line above it that says what was run. */
  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        "%s, %d epochs, batches of %d, seeds %s; judged by %s. Serving is 32 rows x 64 tokens on 4 adapters over the bare base.%n%n"
            .formatted(
                plan.source().name(),
                plan.passes().epochs(),
                plan.passes().batch(),
                plan.passes().seeds().stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(", ")),
                plan.data().test().getFileName()));
    text.append(
        "| method | %s | by seed | rate | trained | adapter KiB | ms a step | peak MiB | serving |%n"
            .formatted(metric()));
    text.append("| --- | --- | --- | --- | --- | --- | --- | --- | --- |%n".formatted());
    rows.forEach(row -> text.append(line(row)));
    return text.toString();
  }

  private String metric() {
    return rows.stream()
        .flatMap(row -> row.figures().stream())
        .map(figures -> figures.metric().title())
        .findFirst()
        .orElse("score");
  }

  private static String line(Compared row) {
    if (row.figures().isEmpty()) {
      return "| %s | failed: %s |%n".formatted(row.method(), row.problem());
    }
    Figures figures = row.figures().get();
    String bySeed =
        figures.scores().stream()
            .map(score -> Objects.requireNonNull(score.metrics().firstEntry()).getValue())
            .map(value -> String.format(Locale.ROOT, "%.3f", value))
            .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT,
        "| %s | %.4f | %s | %s | %,d | %.1f | %.0f | %d | %.2f |%n",
        row.method(),
        figures.mean(),
        bySeed,
        row.learningRate(),
        figures.parameters(),
        figures.adapterBytes() / 1024.0,
        figures.stepMillis(),
        figures.peakMib(),
        figures.servingCost());
  }

  /** The same as one object. */
  ObjectNode json() {
    ObjectNode json =
        JsonText.object()
            .put("model", plan.source().name())
            .put("task", plan.source().task().text())
            .put("epochs", plan.passes().epochs())
            .put("batch_size", plan.passes().batch());
    ArrayNode seeds = json.putArray("seeds");
    plan.passes().seeds().forEach(seeds::add);
    ArrayNode methods = json.putArray("methods");
    rows.forEach(row -> methods.add(row.toJson()));
    return json;
  }
}
