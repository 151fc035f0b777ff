package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A base model that is being made into one of a bundle's graphs.
 *
 * @param model the model, whose values have types; it is rewritten
 */
record BaseGraph(Model model) {
  /** The graph. */
  Graph graph() {
    return model.graph();
  }

  /** Adds Banyan's nodes. */
  Nodes nodes() {
    return new Nodes(new GraphBuilder(graph(), "banyan"), model.opset());
  }

  /** Number of elements of an embedding. */
  long hidden() {
    return EncoderPorts.of(graph()).hidden();
  }

  /**
   * A vector for each token as the model gives it now: {@code [batch, sequence, hidden]}.
   *
   * @param columns where the texts stand
   */
  Value tokenVectors(TextColumns columns) {
    Value vectors = EncoderPorts.of(graph()).hiddenStates();
    return columns.ofTexts(nodes().in("text").builder(), vectors);
  }

  /**
   * Adds the pooling of the model's outputs as they are now: {@code [batch, hidden]}. Learned
   * tokens before a text count as its own do.
   *
   * @param columns where the texts stand
   */
  Value pooled(Pooling pooling, TextColumns columns) {
    return PooledEmbedding.add(nodes(), EncoderPorts.of(graph()).over(columns), pooling);
  }

  /** Gives a value a name that users rely on; a value of the base that has it steps aside. */
  Value named(String name, Value value) {
    graph().find(name).ifPresent(old -> graph().rename(old, graph().freshName("base/" + name)));
    graph().rename(value, name);
    return value;
  }

  /** The model with these outputs and nothing that they do not need. */
  Model finished(List<Value> outputs) {
    graph().setOutputs(outputs);
    RemoveUnused.from(graph());
    graph().sort();
    // Notes of the exporter found the sites; files of this version have no place for them.
    graph().nodes().forEach(node -> node.setMetadata(Map.of()));
    return new Model(graph(), opsets(), IrVersion.of(model.opset()), Map.of());
  }

  /** The model as it is, with the notes of its exporter, which later tell its sites. */
  Model noted() {
    graph().sort();
    boolean notes = graph().nodes().stream().anyMatch(node -> !node.metadata().isEmpty());
    int version = notes ? IrVersion.WITH_NOTES : IrVersion.of(model.opset());
    return new Model(graph(), opsets(), version, Map.of());
  }

  private Map<String, Integer> opsets() {
    Map<String, Integer> opsets = new TreeMap<>();
    opsets.put("", model.opset());
    for (Node node : graph().nodes()) {
      String domain = node.op().domain();
      opsets.put(domain, model.opsets().getOrDefault(domain, 1));
    }
    return opsets;
  }
}
