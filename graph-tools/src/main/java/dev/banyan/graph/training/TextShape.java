package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The output of a {@code Shape} node that the token ids alone decide: exporters ask the embeddings
 * for the size of a batch, and would have them computed for that.
 *
 * @param dims each a fixed size, {@code batch} or {@code sequence}
 */
record TextShape(List<Dim> dims) {
  private static final OpId SHAPE = OpId.onnx("Shape");
  private static final Dim BATCH = Dim.of("batch");
  private static final Dim SEQUENCE = Dim.of("sequence");

  /** What a node gives, if it is a {@code Shape} of this kind. */
  static Optional<TextShape> of(Node node) {
    if (!node.op().equals(SHAPE) || node.input(0).producer().isEmpty()) {
      return Optional.empty();
    }
    return node.input(0)
        .type()
        .map(type -> part(node, type.dims()))
        .filter(dims -> dims.stream().allMatch(TextShape::isKnown))
        .map(TextShape::new);
  }

  /** {@code start} and {@code end} may count from the back, and reach too far. */
  private static List<Dim> part(Node node, List<Dim> dims) {
    int start = position(node.intAttribute("start", 0), dims.size());
    int end = position(node.intAttribute("end", dims.size()), dims.size());
    return start < end ? dims.subList(start, end) : List.of();
  }

  private static int position(long attribute, int rank) {
    return Math.clamp(attribute < 0 ? attribute + rank : attribute, 0, rank);
  }

  private static boolean isKnown(Dim dim) {
    return dim instanceof Dim.Known || dim.equals(BATCH) || dim.equals(SEQUENCE);
  }

  /**
   * Makes the shapes of these nodes out of the graph's first input, int64 {@code [batch,
   * sequence]}, each shape once: so that no tensor is kept, or even computed, for its shape alone.
   */
  static void replaceAll(Graph graph, Collection<Node> nodes) {
    Map<TextShape, Value> made = new HashMap<>();
    for (Node node : nodes) {
      TextShape.of(node)
          .ifPresent(
              shape ->
                  graph.replaceUses(
                      node.output(), made.computeIfAbsent(shape, s -> s.compute(graph))));
    }
  }

  private Value compute(Graph graph) {
    TensorType type = TensorType.of(DType.INT64, Dim.of(dims.size()));
    GraphBuilder builder = new GraphBuilder(graph, "banyan/shape");
    if (dims.stream().allMatch(Dim.Known.class::isInstance)) {
      return builder.longs(
          dims.stream().mapToLong(dim -> dim instanceof Dim.Known(long size) ? size : 0).toArray());
    }
    Value ids = builder.op("Shape", graph.inputs().getFirst());
    Value[] parts = dims.stream().map(dim -> part(builder, ids, dim)).toArray(Value[]::new);
    return builder.op("Concat", Map.of("axis", Attribute.of(0L)), parts).withType(type);
  }

  private static Value part(GraphBuilder builder, Value ids, Dim dim) {
    return dim instanceof Dim.Known(long size)
        ? builder.longs(size)
        : builder.op("Gather", ids, builder.longs(dim.equals(BATCH) ? 0 : 1));
  }
}
