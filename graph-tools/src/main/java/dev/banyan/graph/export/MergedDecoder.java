package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.adapter.AdapterMethods;
import dev.banyan.graph.adapter.Ia3;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.LayerMethod.Point;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.training.DecoderBase;
import dev.banyan.graph.training.DecoderBase.Reader;
import dev.banyan.runtime.inference.AdapterWeights;
import java.nio.file.Path;
import java.util.List;
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
            .forEach(site -> layers.add(method, site, layer(method, site)));
      }
    }
    replaceWeights();
    layers.write(folder);
    layers.requireChange();
  }

  private Node layer(LayerMethod method, String site) {
    boolean scalesBias = method instanceof Ia3 && method.pointAt(site) == Point.OUTPUT;
    return scalesBias ? base.layerWithBias(site) : base.layer(site);
  }

  /** Weights that the adapter has whole. */
  private void replaceWeights() {
    BaseValues values = BaseValues.of(bundle);
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      Optional<Tensor> own = Optional.ofNullable(weights.tensors().get(spec.name()));
      if (spec.isOfBase() && own.isPresent()) {
        replace(base.readers(spec.name()), own.get());
        layers.replaced(values.of(spec), own.get());
      }
    }
  }

  /** Others that read an equal constant keep theirs. */
  private void replace(List<Reader> readers, Tensor own) {
    Graph graph = base.model().graph();
    Value merged = graph.addConstant(own.named(graph.freshName(own.name() + "/merged")));
    readers.forEach(reader -> reader.node().replaceInput(reader.input(), merged));
  }

  @Override
  public Answers check(Path merged) {
    DecoderMergeCheck check = new DecoderMergeCheck(bundle, weights);
    return layers.requantized().isEmpty() ? check.exact(merged) : check.rounded(merged);
  }
}
