package dev.banyan.graph.training;

import dev.banyan.graph.blockwise.BlockProduct;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds the values of a forward pass that everything passes through, two for a transformer's layer.
 */
final class Cuts {
  private Cuts() {}

  /**
   * The values, with gradients, behind which nothing before them is read any more; of several with
   * no weight multiplied between them the first.
   *
   * @param graph sorted, with a forward and a backward pass
   * @param forward all that the nodes of the forward pass make
   * @param gradients of the backward pass, by what they are of
   * @return in the order in which they are made
   */
  static List<Value> of(Graph graph, Set<Value> forward, Map<Value, Value> gradients) {
    List<Node> nodes =
        graph.nodes().stream()
            .filter(node -> node.outputs().stream().anyMatch(forward::contains))
            .toList();
    Map<Value, Integer> lastUse = new HashMap<>();
    for (int place = 0; place < nodes.size(); place++) {
      for (Value input : nodes.get(place).inputs()) {
        lastUse.put(input, place);
      }
    }
    List<Value> cuts = new ArrayList<>();
    Set<Value> live = new HashSet<>();
    boolean costly = false;
    for (int place = 0; place < nodes.size(); place++) {
      Node node = nodes.get(place);
      int now = place;
      costly |= isProduct(node);
      node.outputs().stream().filter(gradients::containsKey).forEach(live::add);
      live.removeIf(value -> lastUse.getOrDefault(value, -1) <= now);
      if (costly && live.size() == 1 && live.contains(node.output())) {
        cuts.add(node.output());
        costly = false;
      }
    }
    return cuts;
  }

  /** Codes of a weight lie in one row. */
  private static boolean isProduct(Node node) {
    return BlockProduct.isOne(node)
        || node.inputs().stream()
            .anyMatch(input -> input.isConstant() && input.knownType().rank() > 1);
  }
}
