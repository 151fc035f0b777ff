package dev.banyan.graph.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleFile;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.PrepareReport;
import java.io.PrintWriter;
import java.util.Locale;

/** What {@code banyan prepare} says of a bundle. */
record PrepareOutput(PrepareReport report) {
  private static final int SHOWN_RANK = 8;
  private static final double MIB = 1 << 20;

  /** For people. */
  void print(PrintWriter console) {
    BundleManifest manifest = report.bundle().manifest();
    boolean language = manifest.task() == Task.CAUSAL_LM;
    int sites = manifest.adapter().sites().size();
    console.printf(
        Locale.ROOT, "Prepared %s for %s%n", manifest.base().name(), manifest.task().text());
    console.printf(Locale.ROOT, "  %d sites (%s)%n", sites, manifest.adapter().targets());
    manifest.adapter().sites().forEach(site -> console.println("    " + site));
    console.printf(
        Locale.ROOT,
        "  trainable parameters  %,d at rank %d%s = %,d x rank%s%s%n",
        report.trainableParameters(SHOWN_RANK, manifest.task().exampleLabels()),
        SHOWN_RANK,
        labelsShown(manifest),
        report.parametersForEachRank(),
        report.parametersForEachLabel() == 0
            ? ""
            : String.format(Locale.ROOT, " + %,d x labels", report.parametersForEachLabel()),
        report.parametersOfBase() == 0
            ? ""
            : String.format(Locale.ROOT, " + %,d of the base", report.parametersOfBase()));
    console.printf(
        Locale.ROOT,
        "  frozen parameters     %,d%n",
        Math.max(0, manifest.base().frozenParameters() - report.parametersOfBase()));
    console.printf(
        Locale.ROOT,
        "  texts                 %s, up to %d tokens%n",
        language ? "the next token" : manifest.text().pooling().text() + " pooling",
        manifest.text().maxLength());
    manifest
        .files()
        .forEach(
            (name, file) ->
                console.printf(Locale.ROOT, "  %-21s %9.2f MiB%n", name, file.bytes() / MIB));
    console.printf(
        Locale.ROOT,
        "  self-check            %s differ from the original model's by %.1e at most%n",
        language ? "logarithms of probabilities" : "embeddings",
        report.difference());
    console.printf(
        Locale.ROOT,
        "  %.1f s, written to %s%n",
        report.time().toMillis() / 1000.0,
        report.bundle().dir());
  }

  private static String labelsShown(BundleManifest manifest) {
    Task task = manifest.task();
    return switch (task.exampleLabels()) {
      case 0 -> "";
      case 1 -> " with one output";
      default -> " with " + task.exampleLabels() + " labels";
    };
  }

  /** For programs. */
  ObjectNode toJson() {
    Bundle bundle = report.bundle();
    BundleManifest manifest = bundle.manifest();
    ObjectNode object =
        JsonText.object()
            .put("bundle", bundle.dir().toString())
            .put("task", manifest.task().text())
            .put("base_digest", manifest.base().digest().toString())
            .put("targets", manifest.adapter().targets())
            .put("peft_prefix", manifest.adapter().peftPrefix())
            .put("pooling", manifest.text().pooling().text())
            .put("max_length", manifest.text().maxLength())
            .put("hidden", manifest.base().hidden())
            .put("frozen_parameters", manifest.base().frozenParameters())
            .put(
                "trainable_parameters_rank_8",
                report.trainableParameters(SHOWN_RANK, manifest.task().exampleLabels()))
            .put("parameters_per_rank", report.parametersForEachRank())
            .put("parameters_per_label", report.parametersForEachLabel())
            .put("parameters_of_base", report.parametersOfBase())
            .put("bias", manifest.adapter().bias().text())
            .put("difference", report.difference())
            .put("seconds", report.time().toMillis() / 1000.0)
            .put("bytes", manifest.files().values().stream().mapToLong(BundleFile::bytes).sum());
    manifest
        .embedding()
        .ifPresent(
            info ->
                object
                    .put("objective", info.objective().text())
                    .put("temperature", info.temperature()));
    ArrayNode sites = object.putArray("sites");
    manifest.adapter().sites().forEach(sites::add);
    ObjectNode files = object.putObject("files");
    manifest.files().forEach((name, file) -> files.put(name, file.bytes()));
    return object;
  }
}
