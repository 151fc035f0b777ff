package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.MergeReport.Requantized;
import dev.banyan.graph.adapter.Bottleneck;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.LayerMethod.Point;
import dev.banyan.graph.adapter.LayerWeights;
import dev.banyan.graph.adapter.MergeableMethod;
import dev.banyan.graph.adapter.MergeableMethod.Layer;
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

/** What an adapter makes of the weights of a base: collected layer by layer, and then written. */
final class LayerMerges {
  private final Graph graph;
  private final BundleManifest bundle;
  private final AdapterWeights weights;
  // By node: parts of a layer are sites of their own.
  private final Map<Node, Changed> changed = new LinkedHashMap<>();
  private int layers;
  private double change;
  private Optional<Requantized> requantized = Optional.empty();

  /** Merges of an adapter of this bundle into a graph of its base. */
  LayerMerges(Graph graph, BundleManifest bundle, AdapterWeights weights) {
    this.graph = graph;
    this.bundle = bundle;
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

  /** Whether the adapter has something for a layer. */
  boolean concerns(LayerMethod method, String path) {
    List<String> names =
        specs(method, path).filter(ParameterSpec::isBanked).map(ParameterSpec::name).toList();
    return weights.tensors().keySet().containsAll(names);
  }

  /**
   * Adds what the adapter has for a layer.
   *
   * @throws NotMergeable if the method's adapters cannot become part of a weight
   */
  void add(LayerMethod method, String path, Node layer) {
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
    changed
        .computeIfAbsent(layer, node -> new Changed(path, node, new ArrayList<>()))
        .merges()
        .add(new Merge(mergeable, method.pointAt(path), adapter));
  }

  /** The parameters of a method at a site. */
  Stream<ParameterSpec> specs(LayerMethod method, String path) {
    return bundle.parameters().stream()
        .filter(spec -> spec.method().equals(Optional.of(method.name())))
        .filter(spec -> spec.site().equals(path));
  }

  /** Notes that a weight which the adapter holds whole is in the graph. */
  void replaced(Tensor base, Tensor own) {
    change = Math.max(change, MergedWeights.largestDifference(base.data(), own.data()));
  }

  /**
   * Gives the layers their new weights.
   *
   * @param folder where they are kept, so that they need no memory; views of its files are the
   *     graph's
   */
  void write(Path folder) {
    try (MergedWeights merged = new MergedWeights(folder)) {
      changed.values().forEach(one -> write(one, merged));
      merged.addTo(graph);
      requantized = merged.requantized();
    }
  }

  /**
   * Refuses an adapter that leaves every weight as it is.
   *
   * @throws UnusableArtifact if it does
   */
  void requireChange() {
    if (change == 0) {
      throw new UnusableArtifact(
          "adapter", "it changes no weight of the base", "train it before merging it");
    }
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
}
