package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;

/**
 * The graphs of a decoder.
 *
 * <table>
 * <caption>Inputs and outputs of the loss, in this order</caption>
 * <tr><td>the model's inputs</td><td>int64 {@code [batch, sequence]}</td></tr>
 * <tr><td>{@code segment_ids}</td><td>int64 {@code [batch, sequence]}: which example of its row a
 *     token belongs to</td></tr>
 * <tr><td>{@code labels}</td><td>int64 {@code [batch, sequence]}, aligned with {@code input_ids};
 *     -100 is not learned</td></tr>
 * <tr><td>{@code <method>_scaling}</td><td>as in {@link TrainingGraphs}</td></tr>
 * <tr><td>{@code <site>.lora_dropout}</td><td>as in {@link TrainingGraphs}</td></tr>
 * <tr><td>the parameters</td><td>float, with symbolic rank</td></tr>
 * <tr><td>out: {@code loss}</td><td>float scalar: the mean over the tokens that count</td></tr>
 * <tr><td>out: {@code log_probabilities}</td><td>float {@code [counted]}</td></tr>
 * </table>
 *
 * <p>The serving graph has the model's inputs, {@code adapter_ids} and the banks, and gives {@code
 * logits} {@code [batch, sequence, vocabulary]}.
 */
final class DecoderGraphs {
  private DecoderGraphs() {}

  /**
   * Turns a base into the graph of the loss.
   *
   * @param base a decoder with the input {@code segment_ids}; it is rewritten
   */
  static Decoder forward(BaseGraph base, BundleRecipe recipe) {
    Graph graph = base.graph();
    Placement placement = recipe.place(base.model());
    Value labels = graph.addInput(Loss.LABELS, DecoderPorts.tokens());
    TrainedPlacement placed = placement.train(graph, recipe.dropout());
    Nodes nodes = base.nodes().in("next_token");
    GraphBuilder builder = nodes.builder();
    TextColumns columns = placed.columns();
    NextToken next =
        new NextToken(
            nodes,
            columns.labels(builder, labels, NextToken.IGNORED),
            columns.ofColumns(builder, graph.value(Segments.INPUT)));
    Value bare = graph.value(DecoderPorts.LOGITS);
    next.countedRows(graph, bare);
    List<Value> parameters = placed.finish();
    Value logits = graph.outputs().getFirst();
    NextToken.Result result = next.loss(logits);
    Value loss = base.named("loss", result.loss());
    Value prediction = base.named(NextToken.PREDICTION, result.prediction());
    // Where the vocabulary's layer is adapted, the logits are made by the adapter's nodes too.
    Optional<NextToken.Rows> rows = bare == logits ? next.rows(bare) : Optional.empty();
    return new Decoder(
        new ForwardGraph(base.finished(List.of(loss, prediction)), loss, parameters), rows);
  }

  /**
   * A decoder with one adapter and the loss.
   *
   * @param graph the graph
   * @param rows what the vocabulary's layer works on, unless it is adapted or not found
   */
  record Decoder(ForwardGraph graph, Optional<NextToken.Rows> rows) {
    /** Adds the gradients of all parameters as outputs; the loss is then made in parts. */
    GradientGraph withGradients(TrainingChoice choice) {
      return rows.map(counted -> new LossInParts(graph, counted).run(choice))
          .orElseGet(() -> TrainingGraphs.withGradients(graph, choice));
    }
  }

  /**
   * Turns a base into the graph that serves many adapters.
   *
   * @param base a decoder; it is rewritten
   */
  static Model serving(BaseGraph base, BundleRecipe recipe) {
    Graph graph = base.graph();
    Placement placement = recipe.place(base.model());
    Value adapterIds =
        graph.addInput(ServingGraph.ADAPTER_IDS, TensorType.of(DType.INT64, Dim.of("batch")));
    TextColumns columns = placement.serveModel(graph, adapterIds);
    NextToken.onlyTexts(graph, columns, base.nodes().in("text"));
    placement.serveLayers(graph, adapterIds);
    return base.finished(List.copyOf(graph.outputs()));
  }
}
