package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where a model looks up the embeddings of its tokens.
 *
 * @param node looks them up, in a constant table
 * @param output float {@code [batch, sequence, width]}: the embeddings, as floats where the table
 *     has few bits
 */
public record TokenTable(Node node, Value output) {
  private static final OpId LOOK_UP_FEW_BITS = OpId.microsoft("GatherBlockQuantized");

  private static final Set<String> COPYING = Set.of("Cast", "Identity", "Reshape");

  /** What makes floats of a row of few bits. */
  private static final Set<String> WIDENING = Set.of("Cast", "DequantizeLinear");

  /** Looks for the table of a graph whose values have types. */
  public static Optional<TokenTable> of(Graph graph) {
    Optional<Value> ids = graph.find("input_ids").filter(graph.inputs()::contains);
    return graph.nodes().stream()
        .filter(node -> isTable(node) && indexedBy(node.input(1)) == ids.orElse(Value.NONE))
        .findFirst()
        .flatMap(node -> embeddings(node.output()).map(output -> new TokenTable(node, output)));
  }

  private static boolean isTable(Node node) {
    boolean lookUp = node.op().is("Gather") && node.intAttribute("axis", 0) == 0;
    return (lookUp || node.op().equals(LOOK_UP_FEW_BITS))
        && node.input(0).constant().filter(table -> table.shape().rank() == 2).isPresent();
  }

  /** The value behind casts, and behind a reshape that some decoders make sure with. */
  private static Value indexedBy(Value index) {
    Value at = index;
    while (at.producer().filter(p -> COPYING.contains(p.op().type())).isPresent()) {
      at = at.producer().orElseThrow().input(0);
    }
    return at;
  }

  private static Optional<Value> embeddings(Value rows) {
    Value at = rows;
    while (at.type().filter(type -> type.dtype() == DType.FLOAT).isEmpty()) {
      List<Node> users = at.users();
      if (users.size() != 1 || !WIDENING.contains(users.getFirst().op().type())) {
        return Optional.empty();
      }
      at = users.getFirst().output();
    }
    TensorType type = at.knownType();
    return Optional.of(at).filter(_ -> type.rank() == 3 && type.dim(-1) instanceof Dim.Known);
  }

  /** Elements of an embedding. */
  public long width() {
    return output.knownType().dim(-1) instanceof Dim.Known(long size) ? size : -1;
  }
}
