package dev.banyan.graph.adapter;

import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import java.util.List;

/** Takes out of a graph what {@link InsertAdapters#forTraining} put there. */
public final class RemoveAdapters {
  private final Graph graph;
  private final AdapterMethod method;

  /** Removes adapters of this method from this graph. */
  public RemoveAdapters(Graph graph, AdapterMethod method) {
    this.graph = graph;
    this.method = method;
  }

  /**
   * Lets what read a layer's adapted output read its own again, and removes the adapter's nodes and
   * its inputs.
   *
   * @param parameters the graph inputs of one site
   * @return the layer's node
   */
  public Node at(List<Value> parameters) {
    Node joint = method.joint(parameters);
    Value own = joint.input(0);
    String name = joint.output().name();
    graph.replaceUses(joint.output(), own);
    RemoveUnused.from(graph);
    if (own.name().startsWith(name + InsertAdapters.BASE)) {
      // The adapter had taken over the name of a graph output.
      graph.rename(own, name);
    }
    parameters.forEach(graph::removeUnused);
    return own.producer().orElseThrow();
  }
}
