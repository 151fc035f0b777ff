package dev.banyan.graph.adapter;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.Set;

/**
 * Tells a look-up of embeddings from others: tables of sines and cosines, which turn queries and
 * keys, are no weights, and biases between positions are of no token.
 */
final class TableLookUp {
  private static final int VECTORS = 3;

  /** Nodes of a mean square's inverse root, with room for casts. */
  private static final int NEAR = 10;

  /** What only rearranges what was looked up. */
  private static final Set<String> SHAPES =
      Set.of("Reshape", "Unsqueeze", "Squeeze", "Slice", "Concat", "Split", "Expand", "Cast");

  private TableLookUp() {}

  /** Whether a {@code Gather} of a table gives a vector for each token, or for each position. */
  static boolean isOfTokens(Node gather) {
    Value output = gather.output();
    boolean vectors =
        output.type().map(TensorType::rank).filter(rank -> rank == VECTORS).isPresent();
    return vectors
        && gather.intAttribute("axis", 0) == 0
        && !gather.input(1).isConstant()
        && output.users().stream().noneMatch(node -> node.op().is("Transpose"))
        && !turns(output);
  }

  /** Whether something computed, other than of the value itself, is multiplied by the value. */
  private static boolean turns(Value value) {
    for (Node user : value.users()) {
      if (user.op().is("Mul") && turns(user, value)) {
        return true;
      }
      if (SHAPES.contains(user.op().type()) && turns(user.output(0))) {
        return true;
      }
    }
    return false;
  }

  private static boolean turns(Node product, Value value) {
    Value other = product.input(product.input(0) == value ? 1 : 0);
    return !other.isConstant() && !isMadeOf(other, value, NEAR);
  }

  /** A normalization multiplies a value by what it has made of it in a few steps. */
  private static boolean isMadeOf(Value made, Value value, int steps) {
    return made == value
        || (steps > 0
            && made.producer().stream()
                .flatMap(node -> node.inputs().stream())
                .anyMatch(input -> isMadeOf(input, value, steps - 1)));
  }
}
