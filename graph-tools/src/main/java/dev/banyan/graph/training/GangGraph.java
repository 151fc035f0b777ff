package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.autodiff.BankGradients;
import dev.banyan.graph.autodiff.Differentiate;
import dev.banyan.graph.autodiff.GradientRules;
import dev.banyan.graph.autodiff.Gradients;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Set;

/**
 * The graph that trains several adapters at once: that of serving, with a loss for each row and the
 * gradient of every bank. A row's loss depends on its own slot alone, so the sum of all rows'
 * losses has in each slot the gradient that its rows alone would give.
 *
 * <table>
 * <caption>Inputs and outputs, in this order</caption>
 * <tr><td>the model's inputs</td><td>int64 {@code [batch, sequence]}</td></tr>
 * <tr><td>{@code labels}</td><td>float. Text classification: {@code [batch, labels]}, how much each
 *     label counts; token classification: {@code [batch, sequence, labels]}, the same; multi-label:
 *     {@code [batch, labels]}, zeros and ones; regression: {@code [batch]}</td></tr>
 * <tr><td>{@code row_weights}</td><td>float {@code [batch]}: a row's part of its job's mean</td></tr>
 * <tr><td>{@code adapter_ids}</td><td>int64 {@code [batch]}: the slot of each row</td></tr>
 * <tr><td>{@code <parameter>.bank}</td><td>float, an axis of slots and then the parameter's, the
 *     scaling folded in</td></tr>
 * <tr><td>out: {@code loss}</td><td>float scalar, the sum of the next</td></tr>
 * <tr><td>out: {@code row_losses}</td><td>float {@code [batch]}</td></tr>
 * <tr><td>out: {@code <parameter>.bank_grad}</td><td>shaped like the bank</td></tr>
 * </table>
 */
final class GangGraph {
  private GangGraph() {}

  /**
   * Turns a base model into the graph.
   *
   * @param base read for this call; it is rewritten
   * @param choice how the backward pass is made
   */
  static GradientGraph of(BaseGraph base, BundleRecipe recipe, TrainingChoice choice) {
    Graph graph = base.graph();
    Placement placement = recipe.place(base.model());
    Dim rows = Dim.of("batch");
    Value labels = graph.addInput(Loss.LABELS, labels(recipe.task()));
    Value weights = graph.addInput("row_weights", TensorType.of(DType.FLOAT, rows));
    Value slots = graph.addInput(ServingGraph.ADAPTER_IDS, TensorType.of(DType.INT64, rows));
    int others = graph.inputs().size();
    TextColumns columns = placement.serveModel(graph, slots);
    placement.serveLayers(graph, slots);
    Value scores = scores(base, recipe, columns, slots);
    List<Value> banks = graph.inputs().subList(others, graph.inputs().size());
    Value ofRows = rowLosses(base.nodes().in("loss"), recipe.task(), scores, labels);
    Value rowLosses = base.named("row_losses", base.nodes().op("Mul", ofRows, weights));
    Value loss = base.named("loss", base.nodes().sum(rowLosses));
    Model model = base.finished(List.of(loss, rowLosses));
    return withGradients(model.withMicrosoftOps(), loss, List.copyOf(banks), choice);
  }

  private static TensorType labels(Task task) {
    Dim rows = Dim.of("batch");
    Dim classes = Dim.of(ParameterSpec.LABELS);
    return switch (task) {
      case TEXT_CLASSIFICATION, MULTI_LABEL -> TensorType.of(DType.FLOAT, rows, classes);
      case TOKEN_CLASSIFICATION -> TensorType.of(DType.FLOAT, rows, Dim.of("sequence"), classes);
      case REGRESSION -> TensorType.of(DType.FLOAT, rows);
      case EMBEDDING, CAUSAL_LM -> throw noGang(task);
    };
  }

  private static IllegalArgumentException noGang(Task task) {
    return new IllegalArgumentException("No gang of the task " + task.text());
  }

  private static Value scores(
      BaseGraph base, BundleRecipe recipe, TextColumns columns, Value slots) {
    Head head = new Head(base.hidden());
    return switch (recipe.task().head()) {
      case TEXT -> head.serveTexts(base.nodes(), base.pooled(recipe.pooling(), columns), slots);
      case TOKENS -> head.serveTokens(base.nodes(), base.tokenVectors(columns), slots);
      case NONE -> throw noGang(recipe.task());
    };
  }

  /** What each row loses, {@code [batch]}: its part of the mean is not yet applied. */
  private static Value rowLosses(Nodes nodes, Task task, Value scores, Value labels) {
    return switch (task) {
      case TEXT_CLASSIFICATION ->
          nodes.op("Neg", byRow(nodes, nodes.op("Mul", nodes.logSoftmax(scores), labels)));
      case TOKEN_CLASSIFICATION -> {
        Value each = nodes.op("Mul", nodes.logSoftmax(scores), labels);
        yield nodes.op("Neg", byRow(nodes, nodes.sumAlong(1, each)));
      }
      case MULTI_LABEL -> {
        Value counted = nodes.op("Mul", scores, labels);
        yield byRow(nodes, nodes.op("Sub", nodes.op("Softplus", scores), counted));
      }
      case REGRESSION -> {
        Value difference = nodes.op("Sub", nodes.at(0, 1, scores), labels);
        yield nodes.op("Mul", difference, difference);
      }
      case EMBEDDING, CAUSAL_LM -> throw noGang(task);
    };
  }

  private static Value byRow(Nodes nodes, Value values) {
    return nodes.reshape(nodes.sumAlong(-1, values), -1);
  }

  private static GradientGraph withGradients(
      Model model, Value loss, List<Value> banks, TrainingChoice choice) {
    TrainingGraphs.typed(model, choice);
    Set<Value> forwardValues = TrainingGraphs.values(model.graph());
    GradientRules rules = BankGradients.over(choice.gradients().rules());
    Gradients gradients = Differentiate.every(model, loss, banks, rules);
    return TrainingGraphs.finished(model, forwardValues, gradients, choice);
  }
}
