package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.Precision;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.autodiff.Differentiate;
import dev.banyan.graph.autodiff.GradientRules;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The loss of the next token and its gradient, a part of the counted rows at a time: scores for all
 * rows at once, and what their gradient is made of, would be several times as large as the rest of
 * a small decoder.
 *
 * <p>A part's gradient is computed right behind its loss, and the next part begins where that
 * gradient ends, so that no two parts are in memory at once.
 */
final class LossInParts {
  private static final int PARTS = 8;
  private static final OpId DEQUANTIZE = OpId.microsoft("GatherBlockQuantized");

  private final Model model;
  private final Graph graph;
  private final Nodes nodes;
  private final Value rows;
  private final Value targets;
  private final List<Node> chain;
  private final List<Value> parameters;
  private final List<Part> parts = new ArrayList<>();

  /**
   * One part.
   *
   * @param start the row it begins with, int64 {@code [1]}
   * @param slices what takes rows and targets from there
   * @param rows {@code [part, hidden]}
   * @param sum of the prediction
   * @param prediction {@code [part]}
   */
  private record Part(Value start, List<Node> slices, Value rows, Value sum, Value prediction) {}

  /**
   * The loss of a forward graph.
   *
   * @param forward its graph will be rewritten
   * @param counted the rows that the vocabulary's layer, which is not adapted, works on
   */
  LossInParts(ForwardGraph forward, NextToken.Rows counted) {
    this.model = forward.model().withMicrosoftOps();
    this.parameters = forward.parameters();
    this.graph = model.graph();
    this.nodes = new Nodes(new GraphBuilder(graph, "banyan/next_token"), model.opset());
    this.rows = counted.rows();
    this.targets = counted.targets();
    this.chain = counted.chain();
  }

  /**
   * Replaces the loss and the prediction of a forward graph, and adds the gradients of all
   * parameters as outputs.
   */
  GradientGraph run(TrainingChoice choice) {
    Value count = nodes.builder().op("Shape", targets);
    Value size =
        nodes.op(
            "Div",
            nodes.op("Add", count, nodes.builder().longs(PARTS - 1)),
            nodes.builder().longs(PARTS));
    for (int i = 0; i < PARTS; i++) {
      parts.add(part(size));
    }
    Value tokens = nodes.op("Neg", nodes.reshape(nodes.toFloat(count)));
    Value sum = sum(parts.stream().map(Part::sum).toList());
    replaceOutputs(
        nodes.op("Div", sum, tokens), concat(parts.stream().map(Part::prediction).toList()));
    TrainingGraphs.typed(model, choice);
    Set<Value> forwardValues = TrainingGraphs.values(graph);
    GradientRules rules = choice.gradients().rules();
    Value gradient = concat(gradients(rules));
    gradient =
        choice.precision() == Precision.FP16
            ? scaled(gradient, tokens)
            : nodes.op("Div", gradient, inTypeOfRows(tokens));
    gradient.withType(rows.knownType());
    return TrainingGraphs.finished(
        model,
        forwardValues,
        Differentiate.from(model, Map.entry(rows, gradient), parameters, rules),
        choice);
  }

  /** The loss's scale is applied where numbers may have any size. */
  private Value scaled(Value gradient, Value tokens) {
    Value scale = nodes.op("Div", TrainingGraphs.addLossScale(graph), tokens);
    return inTypeOfRows(nodes.op("Mul", nodes.toFloat(gradient), scale));
  }

  private Value inTypeOfRows(Value value) {
    DType type = rows.knownType().dtype();
    return type == DType.FLOAT ? value : nodes.cast(value, type);
  }

  /** A part that begins behind the ones there are, as if each had the same size. */
  private Part part(Value size) {
    Value start =
        parts.isEmpty() ? nodes.builder().longs(0) : nodes.op("Add", parts.getLast().start(), size);
    Value end = nodes.op("Add", start, size);
    Value axis = nodes.builder().longs(0);
    Value own = nodes.op("Slice", rows, start, end, axis);
    Value labels = nodes.op("Slice", targets, start, end, axis);
    Value prediction = NextToken.logProbabilities(nodes, scores(own), labels);
    return new Part(
        start,
        List.of(own.producer().orElseThrow(), labels.producer().orElseThrow()),
        own,
        nodes.sum(prediction),
        prediction);
  }

  /** The vocabulary's layer and what is behind it, on other rows. */
  private Value scores(Value own) {
    Map<Value, Value> copies = new HashMap<>(Map.of(rows, own));
    Value last = own;
    for (Node node : chain) {
      Value[] inputs =
          node.inputs().stream()
              .map(input -> copies.getOrDefault(input, input))
              .toArray(Value[]::new);
      last = nodes.builder().op(node.op(), node.attributes(), inputs);
      copies.put(node.output(), last);
    }
    return last;
  }

  private void replaceOutputs(Value loss, Value prediction) {
    for (Map.Entry<String, Value> output :
        Map.of("loss", loss, NextToken.PREDICTION, prediction).entrySet()) {
      Value old = graph.value(output.getKey());
      graph.rename(old, graph.freshName("whole/" + output.getKey()));
      graph.rename(output.getValue(), output.getKey());
    }
    graph.setOutputs(List.of(loss, prediction));
    RemoveUnused.from(graph);
  }

  /** The gradient of each part's rows; from the second on a part waits for the one before. */
  private List<Value> gradients(GradientRules rules) {
    List<Value> gradients = new ArrayList<>();
    List<Value> weights = List.of();
    Value start = nodes.builder().longs(0);
    for (Part part : parts) {
      if (!gradients.isEmpty()) {
        Value done = nodes.builder().op("Shape", gradients.getLast());
        start = nodes.op("Add", start, nodes.slice(done, 0, 0, 1));
        Value begin = start;
        part.slices().forEach(slice -> slice.replaceInput(1, begin));
      }
      List<Node> before = List.copyOf(graph.nodes());
      gradients.add(
          Differentiate.of(model, part.sum(), List.of(part.rows()), rules)
              .values()
              .iterator()
              .next());
      weights = shareWeights(before, weights);
    }
    return gradients;
  }

  /** A weight that the first part's gradient dequantized is there for the others. */
  private List<Value> shareWeights(List<Node> before, List<Value> first) {
    List<Value> own =
        graph.nodes().stream()
            .filter(node -> node.op().equals(DEQUANTIZE) && !before.contains(node))
            .map(Node::output)
            .toList();
    for (int i = 0; i < first.size(); i++) {
      graph.replaceUses(own.get(i), first.get(i));
    }
    return first.isEmpty() ? own : first;
  }

  private Value sum(List<Value> values) {
    return nodes.op("Sum", values.toArray(Value[]::new));
  }

  private Value concat(List<Value> values) {
    return nodes
        .builder()
        .op("Concat", Map.of("axis", Attribute.of(0L)), values.toArray(Value[]::new));
  }
}
