package dev.banyan.graph.export;

import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.io.ModelFiles;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.ServingPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Makes one plain model of a bundle and an adapter: adds the adapter's products to the weights of
 * the base, holds the result against base and adapter, and only then puts it in its place. An
 * encoder's graph is the eval graph without the adapter's nodes, with pooling and head; a decoder's
 * is the one that was given, with its past.
 */
public final class AdapterMerge {
  private final MergeRequest request;
  private final long start = System.nanoTime();

  /** A merge of this adapter into this base. */
  public AdapterMerge(MergeRequest request) {
    this.request = request;
  }

  /**
   * Merges, checks and writes.
   *
   * @throws dev.banyan.graph.GraphFailure.NotMergeable if a weight cannot take the adapter, or the
   *     merged model answers otherwise than base and adapter
   * @throws dev.banyan.artifacts.integrity.ArtifactException if a file cannot be used
   */
  public MergeReport run() {
    Bundle bundle = Bundle.openVerified(request.bundle());
    PeftAdapter adapter = PeftAdapter.read(request.adapter());
    AdapterWeights weights = AdapterWeights.fit(adapter, bundle, ServingPlan.anySize());
    requireNoTokens(bundle.manifest(), weights);
    MergedModel merged = merged(bundle, weights);
    try (WorkFolder folder = WorkFolder.beside(request.out())) {
      merged.merge(folder.path());
      ModelFiles out = new ModelFiles(request.out(), request.externalData());
      List<Path> staged = out.stage(described(merged.model(), bundle, weights), folder.path());
      Answers answers = merged.check(staged.getFirst());
      List<Path> files = folder.whole(() -> out.putInPlace(staged));
      return new MergeReport(
          files,
          merged.layers().layers(),
          merged.layers().change(),
          merged.model().graph().outputs().stream().map(Value::name).toList(),
          weights.labels(),
          answers,
          merged.layers().requantized(),
          Duration.ofNanos(System.nanoTime() - start));
    }
  }

  private static MergedModel merged(Bundle bundle, AdapterWeights weights) {
    return bundle.manifest().task() == Task.CAUSAL_LM
        ? new MergedDecoder(bundle, weights)
        : new MergedEncoder(bundle, weights);
  }

  /** No weight of the base stands for learned tokens. */
  private static void requireNoTokens(BundleManifest bundle, AdapterWeights weights) {
    bundle.parameters().stream()
        .filter(ParameterSpec::isOfModel)
        .findFirst()
        .ifPresent(
            spec -> {
              String method = spec.method().orElseThrow().text();
              throw new NotMergeable(
                  weights.tensors().containsKey(spec.name())
                      ? "An adapter of the method %s cannot become part of the base: its learned tokens stand before the text, and no weight of the base can take them; serve base and adapter"
                          .formatted(method)
                      : "The bundle is prepared for the method %s, whose place in the graphs cannot be merged; merge this adapter over a bundle without --method %s"
                          .formatted(method, method));
            });
  }

  /** Says in the model what a user of it has to know: labels, pooling, length, where it is from. */
  private static Model described(Model model, Bundle bundle, AdapterWeights weights) {
    Map<String, String> notes =
        new TreeMap<>(AdapterMetadata.entries(bundle.manifest(), weights.labels()));
    notes.remove("format");
    notes.put("banyan.adapter", weights.digest().toString());
    return new Model(model.graph(), model.opsets(), model.irVersion(), notes);
  }
}
