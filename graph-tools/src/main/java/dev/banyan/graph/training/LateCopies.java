package dev.banyan.graph.training;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Copies of forward nodes that run in the backward pass: what they read passes through a {@code
 * Reshape} to its own shape, which copies nothing, but whose shape is known only when a gradient
 * has arrived. Without it ONNX Runtime would run the copies at once, and keep what they make.
 */
final class LateCopies {
  private final GraphBuilder builder;
  private final Map<Value, Value> copies = new HashMap<>();
  private final Map<List<Value>, Value> waiting = new HashMap<>();

  LateCopies(Graph graph) {
    this.builder = new GraphBuilder(graph, "banyan/recomputed");
  }

  /**
   * Computes a value again.
   *
   * @param value made by a node
   * @param gradient what the copy waits for
   * @param kept what is not computed again, but read
   */
  Value of(Value value, Value gradient, Predicate<Value> kept) {
    Value there = copies.get(value);
    if (there != null) {
      return there;
    }
    Node node = value.producer().orElseThrow();
    List<Value> inputs = new ArrayList<>();
    for (Value input : node.inputs()) {
      if (input.producer().isEmpty()) {
        inputs.add(input);
      } else if (kept.test(input)) {
        inputs.add(waiting(input, gradient));
      } else {
        inputs.add(of(input, gradient, kept));
      }
    }
    List<Value> outputs = copy(node, inputs);
    return outputs.get(node.outputs().indexOf(value));
  }

  private List<Value> copy(Node node, List<Value> inputs) {
    List<Value> outputs =
        builder.ops(
            node.op(), node.attributes(), node.outputs().size(), inputs.toArray(Value[]::new));
    for (int i = 0; i < outputs.size(); i++) {
      Value output = outputs.get(i);
      node.output(i).type().ifPresent(output::withType);
      copies.put(node.output(i), output);
    }
    return outputs;
  }

  /** Whole numbers are sizes and positions: small, and of no use to wait with. */
  private Value waiting(Value value, Value gradient) {
    boolean real = value.type().filter(type -> type.dtype().isFloatingPoint()).isPresent();
    return real
        ? waiting.computeIfAbsent(List.of(value, gradient), pair -> wait(value, gradient))
        : value;
  }

  private Value wait(Value value, Value gradient) {
    Value arrived = builder.op("Shape", gradient);
    boolean alike = value.type().equals(gradient.type());
    Value shape = alike ? arrived : behind(builder.op("Shape", value), arrived);
    return builder.op("Reshape", value, shape).withType(value.knownType());
  }

  /** The first shape, known when the second is. */
  private Value behind(Value shape, Value other) {
    Value none = builder.longs(0);
    Value nothing = builder.op("Slice", other, none, none);
    return builder.op("Concat", Map.of("axis", Attribute.of(0L)), shape, nothing);
  }
}
