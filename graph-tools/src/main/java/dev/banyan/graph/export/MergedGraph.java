package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.MergeReport.Requantized;
import dev.banyan.graph.adapter.AdapterMethods;
import dev.banyan.graph.adapter.Bottleneck;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.LayerMethod.Point;
import dev.banyan.graph.adapter.LayerWeights;
import dev.banyan.graph.adapter.MergeableMethod;
import dev.banyan.graph.adapter.MergeableMethod.Layer;
import dev.banyan.graph.adapter.RemoveAdapters;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.runtime.inference.AdapterWeights;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Turns a bundle's eval graph into the graph of the base with one adapter inside its weights. */
final class MergedGraph {
  private final Graph graph;
  private final BundleManifest bundle;
  private final BaseValues base;
  private final AdapterWeights weights;
  private int layers;
  private double change;
  private Optional<Requantized> requantized = Optional.empty();

  MergedGraph(Graph graph, Bundle bundle, AdapterWeights weights) {
    this.graph = graph;
    this.bundle = bundle.manifest();
    this.base = BaseValues.of(bundle);
    this.weights = weights;
  }

  /** Number of layers whose weights changed. */
  int layers() {
    return layers;
  }

  /** Largest change of any weight. */
  double change() {
    return change;
  }

  /** What was lost in layers of few bits, if there are such. */
  Optional<Requantized> requantized() {
    return requantized;
  }

  /** An adapter of one method for a layer. */
  private record Merge(MergeableMethod method, Point point, List<Tensor> adapter) {}

  /** A layer that gets other weights. */
  private record Changed(String site, Node layer, List<Merge> merges) {}

  /**
   * Rewrites the graph.
   *
   * @param folder where the new weights are kept, so that they need no memory; views of its files
   *     are the graph's
   */
  void merge(Path folder) {
    requireHead();
    new MergedOutputs(graph, bundle, weights).choose();
    List<Changed> changed = removeAdapters();
    fillHead();
    fillBaseWeights();
    removeInputs();
    try (MergedWeights merged = new MergedWeights(folder)) {
      changed.forEach(one -> write(one, merged));
      merged.addTo(graph);
      requantized = merged.requantized();
    }
    if (change == 0 && head().isEmpty()) {
      throw new UnusableArtifact(
          "adapter", "it changes no weight of the base", "train it before merging it");
    }
  }

  private List<ParameterSpec> head() {
    return bundle.parameters().stream()
        .filter(spec -> !spec.isOfBase() && spec.method().isEmpty())
        .toList();
  }

  private void requireHead() {
    for (ParameterSpec spec : head()) {
      if (!weights.tensors().containsKey(spec.name())) {
        throw new UnusableArtifact(
            "adapter",
            "it has no '%s', which a model for %s needs"
                .formatted(spec.name(), bundle.task().text()),
            "merge it over a bundle of the task that it was trained for");
      }
    }
  }

  private List<Changed> removeAdapters() {
    // By node: parts of a layer are sites of their own.
    Map<Node, Changed> changed = new LinkedHashMap<>();
    List<Runnable> removals = new ArrayList<>();
    for (MethodInfo info : bundle.adapter().methods()) {
      if (AdapterMethods.of(info.name(), info.settings()) instanceof LayerMethod method) {
        RemoveAdapters remove = new RemoveAdapters(graph, info.name());
        for (String site : info.sites()) {
          collect(method, site, changed);
          List<Value> inputs = inputs(method, site);
          removals.addFirst(() -> remove.at(site, inputs));
        }
      }
    }
    removals.forEach(Runnable::run);
    return List.copyOf(changed.values());
  }

  private void collect(LayerMethod method, String path, Map<Node, Changed> changed) {
    List<String> names =
        specs(method, path).filter(ParameterSpec::isBanked).map(ParameterSpec::name).toList();
    if (!weights.tensors().keySet().containsAll(names)) {
      return;
    }
    MergeableMethod mergeable =
        switch (method) {
          case MergeableMethod own -> own;
          case Bottleneck _ ->
              throw new NotMergeable(
                  "An adapter of the method %s cannot become part of the layer '%s': %s"
                      .formatted(method.name().text(), path, Bottleneck.NOT_MERGEABLE));
        };
    List<Tensor> adapter =
        Stream.concat(specs(method, path), specs(method, ""))
            .filter(ParameterSpec::isBanked)
            .map(this::merged)
            .toList();
    Point point = method.pointAt(path);
    Node layer = new RemoveAdapters(graph, method.name()).layer(path, point);
    changed
        .computeIfAbsent(layer, node -> new Changed(path, node, new ArrayList<>()))
        .merges()
        .add(new Merge(mergeable, point, adapter));
  }

  /** What depends on the base's weight is there already, as a bank has it. */
  private Tensor merged(ParameterSpec spec) {
    Map<String, Tensor> tensors = weights.tensors();
    Tensor ready = tensors.get(spec.bankName());
    if (ready != null) {
      return ready;
    }
    Tensor own = Objects.requireNonNull(tensors.get(spec.name()));
    return spec.part().map(columns -> columns.widened(own)).orElse(own);
  }

  private List<Value> inputs(LayerMethod method, String path) {
    return specs(method, path).map(spec -> graph.value(spec.name())).toList();
  }

  private Stream<ParameterSpec> specs(LayerMethod method, String path) {
    return bundle.parameters().stream()
        .filter(spec -> spec.method().equals(Optional.of(method.name())))
        .filter(spec -> spec.site().equals(path));
  }

  /** What scales the input comes first, what scales the output last. */
  private void write(Changed one, MergedWeights merged) {
    Node layer = one.layer();
    Optional<Value> bias = Site.biasOf(layer);
    try (Arena arena = Arena.ofConfined()) {
      Tensor old = MergedWeights.of(layer, one.site(), arena);
      LayerWeights now = new LayerWeights(old, bias.map(value -> value.constant().orElseThrow()));
      List<Merge> inOrder = new ArrayList<>(one.merges());
      inOrder.sort(Comparator.comparing(Merge::point));
      for (Merge merge : inOrder) {
        Layer before = new Layer(one.site(), layer, now);
        now = merge.method().merge(before, merge.adapter(), arena);
      }
      double most = merged.add(layer, old, now.weight());
      layers += most > 0 ? 1 : 0;
      change = Math.max(change, most);
      if (bias.isPresent()) {
        replaceBias(layer, bias.get(), now.bias().orElseThrow());
      }
    }
  }

  private void replaceBias(Node layer, Value old, Tensor merged) {
    Tensor own = old.constant().orElseThrow();
    double most = MergedWeights.largestDifference(own.data(), merged.data());
    if (most == 0) {
      return;
    }
    change = Math.max(change, most);
    String name = graph.freshName(old.name() + "/merged");
    Value other = graph.addConstant(Tensor.ofFloats(name, own.shape(), merged.floats()));
    Node reader = layer.inputs().contains(old) ? layer : layer.output().users().getFirst();
    for (int i = 0; i < reader.inputs().size(); i++) {
      if (reader.input(i) == old) {
        reader.replaceInput(i, other);
      }
    }
    if (old.users().isEmpty()) {
      graph.removeUnused(old);
    }
  }

  private void fillHead() {
    for (ParameterSpec spec : head()) {
      fill(spec, Objects.requireNonNull(weights.tensors().get(spec.name())));
    }
  }

  /** Biases and modules that the adapter has whole; the others are the base's again. */
  private void fillBaseWeights() {
    for (ParameterSpec spec : bundle.parameters()) {
      if (spec.isOfBase() && graph.find(spec.name()).isPresent()) {
        Tensor own = base.of(spec);
        Tensor tensor = Objects.requireNonNullElse(weights.tensors().get(spec.name()), own);
        fill(spec, tensor);
        change = Math.max(change, MergedWeights.largestDifference(own.data(), tensor.data()));
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
      if (input.users().isEmpty() && !bundle.text().inputs().contains(input.name())) {
        graph.removeUnused(input);
      }
    }
  }
}
