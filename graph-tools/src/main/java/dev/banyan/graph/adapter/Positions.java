package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Where a model reads the positions of tokens: to look them up in a table, or to make angles of
 * them.
 *
 * @param readers nodes that read them
 */
record Positions(List<Reader> readers) {
  /** Tables of fewer rows have kinds of tokens, not positions. */
  private static final long FEWEST = 8;

  /** Inputs that say something of tokens other than where they are. */
  private static final Set<String> TELLING =
      Set.of("input_ids", "attention_mask", "token_type_ids", "segment_ids");

  /** Copies the list. */
  Positions {
    readers = List.copyOf(readers);
  }

  /** One input of a node, int64 with an axis of tokens. */
  record Reader(Node node, int input) {
    Value value() {
      return node.input(input);
    }
  }

  /**
   * Finds them.
   *
   * @param graph with types
   */
  static Positions in(Graph graph) {
    List<Reader> readers = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (isLookUp(node)) {
        readers.add(new Reader(node, 1));
      } else if (node.op().is("Cos") || node.op().is("Sin")) {
        counted(node.input(0), new HashSet<>())
            .filter(reader -> !readers.contains(reader))
            .ifPresent(readers::add);
      }
    }
    return new Positions(readers);
  }

  /** A table of positions: by its name, or as what is looked up depends on no token. */
  private static boolean isLookUp(Node node) {
    if (!node.op().is("Gather")
        || node.intAttribute("axis", 0) != 0
        || !isOfTokens(node.input(1))) {
      return false;
    }
    boolean table =
        node.input(0)
            .constant()
            .filter(t -> t.type() == DType.FLOAT && t.shape().rank() >= 2)
            .filter(t -> t.shape().dim(0) >= FEWEST)
            .isPresent();
    String names = (node.name() + " " + node.input(0).name()).toLowerCase(Locale.ROOT);
    boolean named = names.contains("position_embedding") || names.contains("position/embedding");
    return table && (named || !tells(node.input(1), new HashSet<>()));
  }

  /** A number for each token of a text, and not for each two of them. */
  private static boolean isOfTokens(Value index) {
    return index.type().filter(type -> isOfTokens(type.dims())).isPresent();
  }

  private static boolean isOfTokens(List<Dim> dims) {
    List<Dim> others = dims.stream().filter(dim -> !isText(dim)).toList();
    return others.size() == 1 && !(others.getFirst() instanceof Dim.Known);
  }

  /** An axis of texts, or of one for all of them. */
  private static boolean isText(Dim dim) {
    return dim.isKnownToBe(1) || dim.equals(Dim.of("batch"));
  }

  /** Whether a value depends on what the tokens are, beyond how many there are. */
  private static boolean tells(Value value, Set<Value> seen) {
    if (TELLING.contains(value.name())) {
      return true;
    }
    return seen.add(value)
        && value.producer().filter(node -> !node.op().is("Shape") && !node.op().is("Size")).stream()
            .flatMap(node -> node.inputs().stream())
            .anyMatch(input -> tells(input, seen));
  }

  /** The cast that makes a number to calculate with of a position. */
  private static Optional<Reader> counted(Value angles, Set<Value> seen) {
    Optional<Node> maker = angles.producer();
    if (maker.isEmpty() || !seen.add(angles) || maker.get().op().is("Shape")) {
      return Optional.empty();
    }
    Node node = maker.get();
    boolean fromWhole =
        node.op().is("Cast")
            && node.input(0).type().filter(type -> type.dtype() == DType.INT64).isPresent();
    if (fromWhole && isOfTokens(node.input(0))) {
      return Optional.of(new Reader(node, 0));
    }
    return node.inputs().stream().flatMap(input -> counted(input, seen).stream()).findFirst();
  }

  /**
   * Lets all positions be further behind.
   *
   * @param by int64 {@code [1]}
   */
  void shift(GraphBuilder builder, Value by) {
    shift(own -> builder.op("Add", own, by).withType(own.knownType()));
  }

  /**
   * Lets the positions of each text be further behind by its own number.
   *
   * @param by int64 {@code [batch, 1]}
   * @throws UnusableModel if positions are counted without an axis of texts
   */
  void shiftEach(GraphBuilder builder, Value by) {
    shift(
        own -> {
          TensorType type = own.knownType();
          if (type.rank() < 2 || !isText(type.dim(0))) {
            throw new UnusableModel(
                "The model counts positions once for all texts ('%s' %s), which the method prefix cannot shift for some; export it with an input position_ids"
                    .formatted(own, type));
          }
          long[] dims = new long[type.rank()];
          Arrays.fill(dims, 1);
          dims[0] = -1;
          Value shaped = builder.op("Reshape", by, builder.longs(dims));
          return builder.op("Add", own, shaped).withType(type);
        });
    readers.stream()
        .filter(reader -> reader.node().op().is("Gather"))
        .forEach(
            reader -> {
              // Padding of a short text with a prefix, beside a long one without, is looked up
              // nowhere.
              long last = reader.node().input(0).constant().orElseThrow().shape().dim(0) - 1;
              Value within = TextColumns.within(builder, reader.value(), builder.scalar(last));
              reader.node().replaceInput(reader.input(), within);
            });
  }

  private void shift(UnaryOperator<Value> by) {
    Map<Value, Value> shifted = new HashMap<>();
    for (Reader reader : readers) {
      Value moved = shifted.computeIfAbsent(reader.value(), by);
      reader.node().replaceInput(reader.input(), moved);
    }
  }
}
