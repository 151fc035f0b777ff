package dev.banyan.graph.pass;

import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Removes {@code Identity} nodes. One stays where it gives a graph output its name, and where a
 * subgraph reads it by name.
 */
public final class EliminateIdentity {
  private EliminateIdentity() {}

  /** Cleans the graph. */
  public static void from(Graph graph) {
    Set<String> pinned = new HashSet<>();
    graph.outputs().forEach(output -> pinned.add(output.name()));
    graph.nodes().forEach(node -> pinned.addAll(node.captures()));
    for (Node node : List.copyOf(graph.nodes())) {
      Value output = node.output();
      if (node.op().is("Identity") && !pinned.contains(output.name())) {
        graph.replaceUses(output, node.input(0));
        graph.removeNode(node);
      }
    }
  }
}
