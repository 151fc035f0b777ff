package dev.banyan.graph.quantize;

import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.QuantizeReport.Layer;
import dev.banyan.graph.QuantizeReport.Left;
import dev.banyan.graph.QuantizeReport.Size;
import dev.banyan.graph.blockwise.MatrixRows;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.quantize.StoredWeights.Stored;
import dev.banyan.graph.site.ModulePath;
import dev.banyan.graph.site.Site;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Stores the weights of linear layers in few bits and lets other operators multiply by them. */
final class QuantizeLayers {
  private final Quantization quantization;
  private final StoredWeights weights;
  private final List<Layer> layers = new ArrayList<>();
  private final List<Left> left = new ArrayList<>();

  /** Layers that have one weight in common share what is stored. */
  private final Map<Weight, Stored> stored = new HashMap<>();

  private final Map<Site, Stored> changes = new LinkedHashMap<>();

  QuantizeLayers(Quantization quantization, StoredWeights weights) {
    this.quantization = quantization;
    this.weights = weights;
  }

  private record Weight(Value value, boolean transposed) {}

  /** Those that are stored in few bits. */
  List<Layer> layers() {
    return layers;
  }

  /** Those that are as they were. */
  List<Left> left() {
    return left;
  }

  /** Stores the weights of these layers, or says why it does not. */
  void store(List<Site> sites) {
    for (Site site : sites) {
      Optional<String> obstacle = obstacle(site);
      if (obstacle.isPresent()) {
        left.add(new Left(site.path(), obstacle.get()));
      } else {
        store(site);
      }
    }
  }

  private Optional<String> obstacle(Site site) {
    Node node = site.node();
    boolean multiplies = node.op().is("MatMul") || node.op().is("Gemm");
    if (!multiplies || !site.weight().isConstant()) {
      return Optional.of("its weight is quantized already");
    }
    if (node.realAttribute("alpha", 1) != 1 || node.realAttribute("beta", 1) != 1) {
      return Optional.of("its Gemm has factors (alpha, beta)");
    }
    boolean whole =
        site.inFeatures() % 2 == 0
            && site.inFeatures() * site.outFeatures() % quantization.block() == 0;
    return quantization.scheme().isOfCodes() && !whole
        ? Optional.of(
            "its weight, %d x %d, is no whole number of bytes a row and blocks of %d"
                .formatted(site.outFeatures(), site.inFeatures(), quantization.block()))
        : Optional.empty();
  }

  private void store(Site site) {
    Tensor weight = site.weight().constant().orElseThrow();
    Weight key = new Weight(site.weight(), site.isTransposed());
    Stored known = stored.get(key);
    if (known == null) {
      MatrixRows rows = site.isTransposed() ? MatrixRows.of(weight) : MatrixRows.columnsOf(weight);
      var form = new StoredWeights.Form(quantization.format(), quantization.doubleQuantized());
      known = weights.add(site.path(), rows, form);
      MappedFile.release(weight.data());
      stored.put(key, known);
    }
    changes.put(site, known);
    layers.add(
        new Layer(
            site.path(),
            List.of(site.outFeatures(), site.inFeatures()),
            new Size(weight.data().byteSize(), known.bytes()),
            known.error()));
  }

  /** Puts what was stored into the graph. */
  void rewrite(Graph graph) {
    Map<Stored, List<Value>> values = new HashMap<>();
    changes.forEach(
        (site, weight) ->
            replace(
                graph,
                site.node(),
                weight,
                values.computeIfAbsent(weight, w -> weights.addTo(graph, w))));
  }

  private static void replace(Graph graph, Node layer, Stored weight, List<Value> values) {
    Value old = layer.input(1);
    Value bias = layer.input(2);
    Value result = layer.output();
    List<Value> inputs = new ArrayList<>(List.of(layer.input(0)));
    inputs.addAll(values);
    Node product =
        graph.addNode(
            weight.operator(),
            name(layer),
            inputs,
            List.of(graph.freshName(result.name() + "/quantized")),
            weight.settings());
    product.setMetadata(layer.metadata());
    Value output = product.output();
    if (!bias.isNone()) {
      // A Gemm's bias may have any shape that can be added.
      output =
          graph
              .addNode(
                  OpId.onnx("Add"),
                  name(layer) + "/bias",
                  List.of(output, bias),
                  List.of(graph.freshName(result.name() + "/with_bias")),
                  Map.of())
              .output();
    }
    result.type().ifPresent(output::withType);
    graph.replaceUses(result, output);
    graph.removeNode(layer);
    graph.rename(output, result.name());
    takeName(graph, old, values.getFirst());
  }

  /** The layer's own name if that has its module's path, so that the path stays the same. */
  private static String name(Node layer) {
    boolean named = layer.name().contains("/") || !layer.metadata().isEmpty();
    return named ? layer.name() : "/" + ModulePath.of(layer) + "/" + layer.op().type();
  }

  /** A weight that nothing reads any more leaves its name to what was stored of it. */
  static void takeName(Graph graph, Value old, Value packed) {
    boolean captured =
        graph.nodes().stream().anyMatch(node -> node.captures().contains(old.name()));
    if (old.isConstant() && old.users().isEmpty() && !captured && !graph.outputs().contains(old)) {
      String name = old.name();
      graph.removeUnused(old);
      graph.rename(packed, name);
    }
  }
}
