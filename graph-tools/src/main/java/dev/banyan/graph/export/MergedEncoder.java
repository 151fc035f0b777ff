package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.adapter.AdapterMethods;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.RemoveAdapters;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.inference.AdapterWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A bundle's eval graph, turned into the graph of the base with one adapter inside its weights. */
final class MergedEncoder implements MergedModel {
  private final Model eval;
  private final Graph graph;
  private final Bundle bundle;
  private final BaseValues base;
  private final AdapterWeights weights;
  private final LayerMerges layers;

  MergedEncoder(Bundle bundle, AdapterWeights weights) {
    this.eval = OnnxReader.read(OnnxFile.read(bundle.file(Bundle.EVAL_MODEL)));
    this.graph = eval.graph();
    this.bundle = bundle;
    this.base = BaseValues.of(bundle);
    this.weights = weights;
    this.layers = new LayerMerges(graph, bundle.manifest(), weights);
  }

  @Override
  public LayerMerges layers() {
    return layers;
  }

  @Override
  public Model model() {
    return eval;
  }

  @Override
  public void merge(Path folder) {
    requireHead();
    new MergedOutputs(graph, bundle.manifest(), weights).choose();
    removeAdapters();
    fillHead();
    fillBaseWeights();
    removeInputs();
    layers.write(folder);
    if (head().isEmpty()) {
      layers.requireChange();
    }
  }

  @Override
  public Answers check(Path merged) {
    MergeCheck check = new MergeCheck(bundle, weights);
    return layers.requantized().isEmpty() ? check.exact(merged) : check.rounded(merged);
  }

  private List<ParameterSpec> head() {
    return bundle.manifest().parameters().stream()
        .filter(spec -> !spec.isOfBase() && spec.method().isEmpty())
        .toList();
  }

  private void requireHead() {
    for (ParameterSpec spec : head()) {
      if (!weights.tensors().containsKey(spec.name())) {
        throw new UnusableArtifact(
            "adapter",
            "it has no '%s', which a model for %s needs"
                .formatted(spec.name(), bundle.manifest().task().text()),
            "merge it over a bundle of the task that it was trained for");
      }
    }
  }

  private void removeAdapters() {
    List<Runnable> removals = new ArrayList<>();
    for (MethodInfo info : bundle.manifest().adapter().methods()) {
      if (AdapterMethods.of(info.name(), info.settings()) instanceof LayerMethod method) {
        RemoveAdapters remove = new RemoveAdapters(graph, info.name());
        for (String site : info.sites()) {
          if (layers.concerns(method, site)) {
            layers.add(method, site, remove.layer(site, method.pointAt(site)));
          }
          List<Value> inputs = inputs(method, site);
          removals.addFirst(() -> remove.at(site, inputs));
        }
      }
    }
    removals.forEach(Runnable::run);
  }

  private List<Value> inputs(LayerMethod method, String path) {
    return layers.specs(method, path).map(spec -> graph.value(spec.name())).toList();
  }

  private void fillHead() {
    for (ParameterSpec spec : head()) {
      fill(spec, Objects.requireNonNull(weights.tensors().get(spec.name())));
    }
  }

  /** Biases and modules that the adapter has whole; the others are the base's again. */
  private void fillBaseWeights() {
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      if (spec.isOfBase() && graph.find(spec.name()).isPresent()) {
        Tensor own = base.of(spec);
        Tensor tensor = Objects.requireNonNullElse(weights.tensors().get(spec.name()), own);
        fill(spec, tensor);
        layers.replaced(own, tensor);
      }
    }
  }

  private void fill(ParameterSpec spec, Tensor tensor) {
    Value input = graph.value(spec.name());
    Value constant = graph.addConstant(tensor.named(graph.freshName(spec.name() + "/merged")));
    graph.replaceUses(input, constant);
    graph.removeUnused(input);
    graph.rename(constant, spec.name());
  }

  /** The base's own inputs stay, whether it reads them or not. */
  private void removeInputs() {
    for (Value input : List.copyOf(graph.inputs())) {
      if (input.users().isEmpty() && !bundle.manifest().text().inputs().contains(input.name())) {
        graph.removeUnused(input);
      }
    }
  }
}
