package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.adapter.AdapterMethods;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.training.DecoderBase;
import dev.banyan.runtime.inference.AdapterWeights;
import java.nio.file.Path;
import java.util.Optional;

/** A decoder as it was given, with one adapter inside its weights. */
final class MergedDecoder implements MergedModel {
  private final Bundle bundle;
  private final AdapterWeights weights;
  private final DecoderBase base;
  private final LayerMerges layers;

  MergedDecoder(Bundle bundle, AdapterWeights weights) {
    this.bundle = bundle;
    this.weights = weights;
    this.base = DecoderBase.of(bundle);
    this.layers = new LayerMerges(base.model().graph(), bundle.manifest(), weights);
  }

  @Override
  public Model model() {
    return base.model();
  }

  @Override
  public LayerMerges layers() {
    return layers;
  }

  @Override
  public void merge(Path folder) {
    for (MethodInfo info : bundle.manifest().adapter().methods()) {
      if (AdapterMethods.of(info.name(), info.settings()) instanceof LayerMethod method) {
        info.sites().stream()
            .filter(site -> layers.concerns(method, site))
            .forEach(site -> layers.add(method, site, base.layer(site)));
      }
    }
    replaceWeights();
    layers.write(folder);
    layers.requireChange();
  }

  /** Weights that the adapter has whole. */
  private void replaceWeights() {
    BaseValues values = BaseValues.of(bundle);
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      Optional<Tensor> own = Optional.ofNullable(weights.tensors().get(spec.name()));
      if (spec.isOfBase() && own.isPresent()) {
        replace(base.weight(spec.name()), own.get());
        layers.replaced(values.of(spec), own.get());
      }
    }
  }

  private void replace(Value old, Tensor own) {
    Graph graph = base.model().graph();
    String name = old.name();
    Value other = graph.addConstant(own.named(graph.freshName(name + "/merged")));
    graph.replaceUses(old, other);
    graph.removeUnused(old);
    graph.rename(other, name);
  }

  @Override
  public Answers check(Path merged) {
    DecoderMergeCheck check = new DecoderMergeCheck(bundle, weights);
    return layers.requantized().isEmpty() ? check.exact(merged) : check.rounded(merged);
  }
}
