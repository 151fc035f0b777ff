package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.ExternalLocation;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.adapter.AdapterMethods;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.LayerMethod.Layer;
import dev.banyan.graph.adapter.LayerMethod.Point;
import dev.banyan.graph.adapter.LayerWeights;
import dev.banyan.graph.adapter.RemoveAdapters;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.graph.site.Site;
import dev.banyan.runtime.inference.AdapterWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
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
  private static final String LOSS = "loss";

  /** What encoders call their outputs; they stay outputs, with these shapes. */
  private static final Map<String, List<Dim>> BASE_OUTPUTS =
      Map.of(
          "last_hidden_state", List.of(Dim.of("batch"), Dim.of("sequence")),
          "token_embeddings", List.of(Dim.of("batch"), Dim.of("sequence")),
          "pooler_output", List.of(Dim.of("batch")));

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Graph graph;
  private final BundleManifest bundle;
  private final BaseValues base;
  private final AdapterWeights weights;
  private int layers;
  private double change;

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

  /** An adapter of one method for a layer. */
  private record Merge(LayerMethod method, Point point, List<Tensor> adapter) {}

  /** A layer that gets other weights. */
  private record Changed(String site, Node layer, List<Merge> merges) {}

  /** A new weight in the file of them. */
  private record Written(Node layer, Tensor old, ExternalLocation place) {}

  /**
   * Rewrites the graph.
   *
   * @param file where the new weights are kept, so that they need no memory; views of it are the
   *     graph's
   */
  void merge(Path file) {
    requireHead();
    chooseOutputs();
    List<Changed> changed = removeAdapters();
    fillHead();
    fillBaseWeights();
    removeInputs();
    List<Written> written = new ArrayList<>();
    try (ExternalDataWriter data = new ExternalDataWriter(file)) {
      for (Changed one : changed) {
        written.add(write(one, data));
      }
    }
    if (!written.isEmpty()) {
      MemorySegment data = MappedFile.map(file);
      written.forEach(one -> replace(one, data));
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

  /** The task's answers, and what the base itself gives under a name that users know. */
  private void chooseOutputs() {
    List<Value> outputs = new ArrayList<>(graph.outputs());
    outputs.removeIf(output -> output.name().equals(LOSS));
    for (Value output : outputs) {
      output.type().ifPresent(type -> output.withType(withLabels(type)));
    }
    for (String name : BASE_OUTPUTS.keySet().stream().sorted().toList()) {
      graph
          .find(name)
          .filter(value -> !outputs.contains(value))
          .ifPresent(
              value -> {
                List<Dim> dims = new ArrayList<>(Objects.requireNonNull(BASE_OUTPUTS.get(name)));
                dims.add(Dim.of(bundle.base().hidden()));
                outputs.add(value.withType(new TensorType(DType.FLOAT, dims)));
              });
    }
    graph.setOutputs(outputs);
    RemoveUnused.from(graph);
  }

  private TensorType withLabels(TensorType type) {
    return new TensorType(
        type.dtype(),
        type.dims().stream()
            .map(
                dim ->
                    dim.equals(Dim.of(ParameterSpec.LABELS)) && !weights.labels().isEmpty()
                        ? Dim.of(weights.labels().size())
                        : dim)
            .toList());
  }

  private List<Changed> removeAdapters() {
    Map<String, Changed> changed = new LinkedHashMap<>();
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

  private void collect(LayerMethod method, String path, Map<String, Changed> changed) {
    List<String> names =
        specs(method, path).filter(ParameterSpec::isSaved).map(ParameterSpec::name).toList();
    if (!weights.tensors().keySet().containsAll(names)) {
      return;
    }
    method
        .notMergeable()
        .ifPresent(
            reason -> {
              throw new NotMergeable(
                  "An adapter of the method %s cannot become part of the layer '%s': %s"
                      .formatted(method.name().text(), path, reason));
            });
    List<Tensor> adapter =
        names.stream().map(name -> Objects.requireNonNull(weights.tensors().get(name))).toList();
    Point point = method.pointAt(path);
    Node layer = new RemoveAdapters(graph, method.name()).layer(path, point);
    changed
        .computeIfAbsent(path, site -> new Changed(site, layer, new ArrayList<>()))
        .merges()
        .add(new Merge(method, point, adapter));
  }

  private List<Value> inputs(LayerMethod method, String path) {
    return specs(method, path).map(spec -> graph.value(spec.name())).toList();
  }

  private Stream<ParameterSpec> specs(LayerMethod method, String path) {
    return bundle.parameters().stream()
        .filter(spec -> spec.method().equals(Optional.of(method.name())))
        .filter(spec -> spec.site().equals(path));
  }

  private static Tensor weightOf(Node layer, String site) {
    return layer
        .input(1)
        .constant()
        .filter(weight -> weight.type() == DType.FLOAT && weight.shape().rank() == 2)
        .orElseThrow(
            () ->
                new NotMergeable(
                    "The layer '%s' has no float weight of its own (%s), so the adapter cannot become part of it; serve base and adapter, or merge over a bundle of the model before it was quantized"
                        .formatted(site, layer)));
  }

  /** What scales the input comes first, what scales the output last. */
  private Written write(Changed one, ExternalDataWriter data) {
    Node layer = one.layer();
    Tensor old = weightOf(layer, one.site());
    Optional<Value> bias = Site.biasOf(layer);
    LayerWeights now = new LayerWeights(old, bias.map(value -> value.constant().orElseThrow()));
    try (Arena arena = Arena.ofConfined()) {
      List<Merge> inOrder = new ArrayList<>(one.merges());
      inOrder.sort(Comparator.comparing(Merge::point));
      for (Merge merge : inOrder) {
        Layer before = new Layer(one.site(), layer, now);
        now = merge.method().merge(before, merge.adapter(), arena);
      }
      double most = largestDifference(old.data(), now.weight().data());
      layers += most > 0 ? 1 : 0;
      change = Math.max(change, most);
      MappedFile.release(old.data());
      if (bias.isPresent()) {
        replaceBias(layer, bias.get(), now.bias().orElseThrow());
      }
      return new Written(layer, old, data.add(now.weight().named(layer.output().name())));
    }
  }

  private void replaceBias(Node layer, Value old, Tensor merged) {
    Tensor own = old.constant().orElseThrow();
    double most = largestDifference(own.data(), merged.data());
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

  private static double largestDifference(MemorySegment a, MemorySegment b) {
    double largest = 0;
    for (long i = 0; i < a.byteSize() / Float.BYTES; i++) {
      largest = Math.max(largest, Math.abs(a.getAtIndex(FLOAT, i) - b.getAtIndex(FLOAT, i)));
    }
    return largest;
  }

  /** A weight that others read too stays for them, and the layer gets one of its own. */
  private void replace(Written one, MemorySegment data) {
    Value old = one.layer().input(1);
    Tensor tensor =
        new Tensor(
            graph.freshName(old.name() + "/merged"),
            DType.FLOAT,
            one.old().shape(),
            data.asSlice(one.place().offset(), one.place().length()));
    Value merged = graph.addConstant(tensor);
    one.layer().replaceInput(1, merged);
    boolean captured =
        graph.nodes().stream().anyMatch(node -> node.captures().contains(old.name()));
    if (old.users().isEmpty() && !captured) {
      String name = old.name();
      graph.removeUnused(old);
      graph.rename(merged, name);
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
        change = Math.max(change, largestDifference(own.data(), tensor.data()));
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
