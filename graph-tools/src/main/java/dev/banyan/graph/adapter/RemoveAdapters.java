package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.adapter.LayerMethod.Point;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import java.util.List;

/** Takes out of a graph what {@link InsertAdapters#forTraining} put there. */
public final class RemoveAdapters {
  private final Graph graph;
  private final MethodName method;

  /** Removes adapters of this method from this graph. */
  public RemoveAdapters(Graph graph, MethodName method) {
    this.graph = graph;
    this.method = method;
  }

  /**
   * The node of the layer that an adapter is at; asked for before any adapter of that layer is
   * removed.
   *
   * @param path the site's path
   * @param point which of its values is adapted
   */
  public Node layer(String path, Point point) {
    Node joint = joint(path);
    if (point == Point.INPUT) {
      return joint.output().users().getFirst();
    }
    Node base = maker(joint.input(0));
    boolean addsBias = point == Point.OUTPUT && base.op().is("Add");
    return addsBias ? maker(base.input(isBias(base.input(0)) ? 1 : 0)) : base;
  }

  private static boolean isBias(Value value) {
    return value.producer().isEmpty();
  }

  /** The base's own node behind what adapters have made of its output. */
  private static Node maker(Value value) {
    Node node = value.producer().orElseThrow();
    return node.name().startsWith("banyan/") ? maker(node.input(0)) : node;
  }

  /**
   * Lets what read a layer's adapted value read its own again, and removes the adapter's nodes and
   * its inputs.
   *
   * @param path the site's path
   * @param parameters its graph inputs
   */
  public void at(String path, List<Value> parameters) {
    Node joint = joint(path);
    Value own = own(joint, path);
    String name = joint.output().name();
    graph.replaceUses(joint.output(), own);
    RemoveUnused.from(graph);
    if (own.name().startsWith(name + InsertAdapters.BASE)) {
      // The adapter had taken over the name of a graph output.
      graph.rename(own, name);
    }
    parameters.forEach(graph::removeUnused);
  }

  /** The value whose place the adapter has taken: the first that is not made by its own nodes. */
  private Value own(Node joint, String path) {
    Value own = joint.input(0);
    String inside = InsertAdapters.prefix(method, path) + "/";
    while (own.producer().filter(node -> node.name().startsWith(inside)).isPresent()) {
      own = own.producer().orElseThrow().input(0);
    }
    return own;
  }

  /** The last of the adapter's nodes: the one whose output others read. */
  private Node joint(String path) {
    String inside = InsertAdapters.prefix(method, path) + "/";
    return graph.nodes().stream()
        .filter(node -> node.name().startsWith(inside))
        .filter(
            node ->
                graph.outputs().contains(node.output())
                    || node.output().users().stream()
                        .anyMatch(reader -> !reader.name().startsWith(inside)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "No adapter of the method %s at '%s'".formatted(method.text(), path)));
  }
}
