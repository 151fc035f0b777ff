package dev.banyan.graph.quantize;

import dev.banyan.artifacts.integrity.MappedFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.QuantizeReport.Layer;
import dev.banyan.graph.QuantizeReport.Size;
import dev.banyan.graph.blockwise.MatrixRows;
import dev.banyan.graph.blockwise.NumberFormat;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.quantize.StoredWeights.Stored;
import dev.banyan.graph.site.ModulePath;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Stores the tables that tokens look up in few bits, for {@code GatherBlockQuantized}. */
final class QuantizeTables {
  private static final OpId LOOK_UP = OpId.microsoft("GatherBlockQuantized");
  private static final String TOKENS = "input_ids";

  private final NumberFormat format;
  private final StoredWeights weights;
  private final List<Layer> layers = new ArrayList<>();
  private final Map<Node, Stored> changes = new LinkedHashMap<>();

  QuantizeTables(Quantization quantization, StoredWeights weights) {
    this.format = quantization.tableFormat();
    this.weights = weights;
  }

  /** Those that are stored in few bits. */
  List<Layer> layers() {
    return layers;
  }

  /** Stores the tables of a graph. */
  void store(Graph graph) {
    graph.nodes().stream().filter(this::isTokenTable).forEach(this::store);
  }

  /** Tables of positions and types are small. */
  private boolean isTokenTable(Node node) {
    return node.op().is("Gather")
        && node.intAttribute("axis", 0) == 0
        && node.input(0)
            .constant()
            .filter(table -> table.type() == DType.FLOAT && table.shape().rank() == 2)
            .filter(table -> table.shape().dim(1) % format.block() == 0)
            .isPresent()
        && areTokens(node.input(1));
  }

  private static boolean areTokens(Value index) {
    return index.name().equals(TOKENS)
        || index
            .producer()
            .filter(node -> node.op().is("Cast") || node.op().is("Identity"))
            .filter(node -> areTokens(node.input(0)))
            .isPresent();
  }

  private void store(Node node) {
    Tensor table = node.input(0).constant().orElseThrow();
    String path = ModulePath.ofUse(node, node.input(0));
    Stored stored = weights.add(path, MatrixRows.of(table), new StoredWeights.Form(format, false));
    MappedFile.release(table.data());
    changes.put(node, stored);
    layers.add(
        new Layer(
            path,
            table.shape().dims(),
            new Size(table.data().byteSize(), stored.bytes()),
            stored.error()));
  }

  /** Puts what was stored into the graph. */
  void rewrite(Graph graph) {
    changes.forEach((node, stored) -> replace(graph, node, stored));
  }

  private void replace(Graph graph, Node gather, Stored stored) {
    List<Value> values = new ArrayList<>(weights.addTo(graph, stored));
    Value rows = asRows(graph, values.getFirst());
    values.set(0, rows);
    values.add(1, gather.input(1));
    Value old = gather.input(0);
    Value result = gather.output();
    Node look =
        graph.addNode(
            LOOK_UP,
            gather.name(),
            values,
            List.of(graph.freshName(result.name() + "/quantized")),
            Map.of(
                "bits", Attribute.of((long) format.bits()),
                "block_size", Attribute.of((long) format.block()),
                "gather_axis", Attribute.of(0L),
                "quantize_axis", Attribute.of(1L)));
    look.setMetadata(gather.metadata());
    result.type().ifPresent(look.output()::withType);
    graph.replaceUses(result, look.output());
    graph.removeNode(gather);
    graph.rename(look.output(), result.name());
    QuantizeLayers.takeName(graph, old, rows);
  }

  /** Blocks are no axis of their own here. */
  private static Value asRows(Graph graph, Value packed) {
    Tensor blocks = packed.constant().orElseThrow();
    long rows = blocks.shape().dim(0);
    String name = packed.name();
    graph.removeUnused(packed);
    return graph.addConstant(
        new Tensor(
            name, blocks.type(), Shape.of(rows, blocks.shape().elements() / rows), blocks.data()));
  }
}
