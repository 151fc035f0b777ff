package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.ExternalLocation;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.adapter.AdapterMethod;
import dev.banyan.graph.adapter.Lora;
import dev.banyan.graph.adapter.RemoveAdapters;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.runtime.inference.AdapterWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

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
  private final AdapterMethod method = new Lora();
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

  /** A layer that gets another weight. */
  private record Changed(Node layer, Tensor old, List<Tensor> adapter) {}

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
        written.add(new Written(one.layer(), one.old(), write(one, data)));
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
        .filter(spec -> !spec.isOfBase())
        .filter(spec -> bundle.adapter().sites().stream().noneMatch(site -> isOf(spec, site)))
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
    RemoveAdapters remove = new RemoveAdapters(graph, method);
    List<Changed> changed = new ArrayList<>();
    for (String site : bundle.adapter().sites()) {
      List<String> names =
          bundle.parameters().stream()
              .filter(spec -> !spec.isOfBase() && isOf(spec, site))
              .map(ParameterSpec::name)
              .toList();
      Node layer = remove.at(names.stream().map(graph::value).toList());
      if (weights.tensors().keySet().containsAll(names)) {
        List<Tensor> adapter =
            names.stream()
                .map(name -> Objects.requireNonNull(weights.tensors().get(name)))
                .toList();
        changed.add(new Changed(layer, weightOf(layer, site), adapter));
      }
    }
    return changed;
  }

  private static boolean isOf(ParameterSpec spec, String site) {
    String name = spec.name();
    return name.startsWith(site + ".") && name.lastIndexOf('.') == site.length();
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

  private ExternalLocation write(Changed one, ExternalDataWriter data) {
    try (Arena arena = Arena.ofConfined()) {
      Tensor merged = method.merge(one.layer(), one.old(), one.adapter(), arena);
      double most = largestDifference(one.old().data(), merged.data());
      layers += most > 0 ? 1 : 0;
      change = Math.max(change, most);
      MappedFile.release(one.old().data());
      return data.add(merged.named(one.layer().output().name()));
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
