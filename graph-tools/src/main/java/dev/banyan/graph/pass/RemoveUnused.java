package dev.banyan.graph.pass;

import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Removes nodes and constants that no graph output needs. Graph inputs stay: they are the model's
 * interface.
 */
public final class RemoveUnused {
  private RemoveUnused() {}

  /** Cleans the graph, which is sorted on the way. */
  public static void from(Graph graph) {
    graph.sort();
    Set<String> captured = new HashSet<>();
    Set<Value> outputs = new HashSet<>(graph.outputs());
    for (Node node : List.copyOf(graph.nodes()).reversed()) {
      boolean needed =
          node.outputs().stream()
              .filter(output -> !output.isNone())
              .anyMatch(
                  output ->
                      !output.users().isEmpty()
                          || outputs.contains(output)
                          || captured.contains(output.name()));
      if (needed) {
        // A node comes after what its subgraphs read, so all readers have been seen by then.
        captured.addAll(node.captures());
      } else {
        graph.removeNode(node);
      }
    }
    for (Value constant : List.copyOf(graph.constants())) {
      if (constant.users().isEmpty()
          && !outputs.contains(constant)
          && !captured.contains(constant.name())) {
        graph.removeUnused(constant);
      }
    }
  }
}
