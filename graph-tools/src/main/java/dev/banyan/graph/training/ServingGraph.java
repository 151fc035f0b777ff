package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * The graph that serves many adapters over one base, in plain ONNX.
 *
 * <table>
 * <caption>Inputs and outputs, in this order</caption>
 * <tr><td>the model's inputs</td><td>int64 {@code [batch, sequence]}</td></tr>
 * <tr><td>{@code adapter_ids}</td><td>int64 {@code [batch]}: the slot of each row</td></tr>
 * <tr><td>{@code <parameter>.bank}</td><td>float, an axis of slots and then the parameter's</td></tr>
 * <tr><td>{@code <parameter>.count.bank}</td><td>int64 {@code [slots]}: how many of the bank's rows
 *     are each adapter's, of a prompt</td></tr>
 * <tr><td>{@code <parameter>.set.bank}</td><td>int64 {@code [slots]}: which value is each adapter's,
 *     of a parameter of all layers, whose bank has no axis of slots but one of different values</td></tr>
 * <tr><td>out: {@code embeddings}</td><td>{@code [batch, hidden]}, each of length 1</td></tr>
 * <tr><td>out: {@code logits}</td><td>{@code [batch, labels]}, or {@code [batch, sequence, labels]}
 *     where tokens are classified; not for embeddings</td></tr>
 * </table>
 */
final class ServingGraph {
  /** Input that says which adapter each row takes. */
  static final String ADAPTER_IDS = "adapter_ids";

  private ServingGraph() {}

  /**
   * Turns a base model into the serving graph.
   *
   * @param base read for this call; it is rewritten
   */
  static Model of(BaseGraph base, BundleRecipe recipe) {
    Graph graph = base.graph();
    Placement placement = recipe.place(base.model());
    Value adapterIds = graph.addInput(ADAPTER_IDS, TensorType.of(DType.INT64, Dim.of("batch")));
    TextColumns columns = placement.serveModel(graph, adapterIds);
    placement.serveLayers(graph, adapterIds);
    Nodes nodes = base.nodes();
    Value pooled = base.pooled(recipe.pooling(), columns);
    List<Value> outputs = new ArrayList<>();
    outputs.add(base.named("embeddings", PooledEmbedding.normalized(nodes, pooled)));
    Head head = new Head(base.hidden());
    switch (recipe.task().head()) {
      case NONE -> {}
      case TEXT -> outputs.add(base.named("logits", head.serveTexts(nodes, pooled, adapterIds)));
      case TOKENS ->
          outputs.add(
              base.named(
                  "logits", head.serveTokens(nodes, base.tokenVectors(columns), adapterIds)));
    }
    return base.finished(outputs);
  }
}
