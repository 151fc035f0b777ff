package dev.banyan.graph.export;

import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.io.ModelFiles;
import dev.banyan.graph.io.OnnxReader;
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
 * Makes one plain model of a bundle and an adapter: takes the adapter's nodes out of the eval
 * graph, adds its products to the weights, holds the result against base and adapter, and only then
 * puts it in its place.
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
    if (bundle.manifest().task() == Task.CAUSAL_LM) {
      throw new NotMergeable(
          "The bundle %s is for causal-lm: its graphs are not merged yet"
              .formatted(request.bundle()));
    }
    PeftAdapter adapter = PeftAdapter.read(request.adapter());
    AdapterWeights weights = AdapterWeights.fit(adapter, bundle, ServingPlan.anySize());
    requireNoTokens(bundle.manifest(), weights);
    Model eval = OnnxReader.read(OnnxFile.read(bundle.file(Bundle.EVAL_MODEL)));
    try (WorkFolder folder = WorkFolder.beside(request.out())) {
      MergedGraph merged = new MergedGraph(eval.graph(), bundle, weights);
      merged.merge(folder.path());
      ModelFiles out = new ModelFiles(request.out(), request.externalData());
      List<Path> staged = out.stage(described(eval, bundle, weights), folder.path());
      MergeCheck check = new MergeCheck(bundle, weights);
      Answers answers =
          merged.requantized().isEmpty()
              ? check.exact(staged.getFirst())
              : check.rounded(staged.getFirst());
      List<Path> files = folder.whole(() -> out.putInPlace(staged));
      return new MergeReport(
          files,
          merged.layers(),
          merged.change(),
          eval.graph().outputs().stream().map(Value::name).toList(),
          weights.labels(),
          answers,
          merged.requantized(),
          Duration.ofNanos(System.nanoTime() - start));
    }
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
  private static Model described(Model eval, Bundle bundle, AdapterWeights weights) {
    Map<String, String> notes =
        new TreeMap<>(AdapterMetadata.entries(bundle.manifest(), weights.labels()));
    notes.remove("format");
    notes.put("banyan.adapter", weights.digest().toString());
    return new Model(eval.graph(), eval.opsets(), eval.irVersion(), notes);
  }
}
