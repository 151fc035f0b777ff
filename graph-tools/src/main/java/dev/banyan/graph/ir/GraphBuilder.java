package dev.banyan.graph.ir;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Adds nodes to a graph under a name prefix, so that what Banyan inserts can be told from what was
 * there.
 *
 * <pre>{@code
 * var b = new GraphBuilder(graph, "banyan/head");
 * Value logits = b.op("Add", b.op("MatMul", pooled, weight), bias);
 * }</pre>
 */
public final class GraphBuilder {
  private final Graph graph;
  private final String prefix;

  /** A builder whose values and nodes are named {@code prefix/Op}. */
  public GraphBuilder(Graph graph, String prefix) {
    this.graph = graph;
    this.prefix = prefix;
  }

  /** The graph that is added to. */
  public Graph graph() {
    return graph;
  }

  /** A builder on the same graph with {@code name} behind the prefix. */
  public GraphBuilder in(String name) {
    return new GraphBuilder(graph, prefix + "/" + name);
  }

  /** Adds an ONNX operator with one output. */
  public Value op(String type, Value... inputs) {
    return op(OpId.onnx(type), Map.of(), inputs);
  }

  /** Adds an ONNX operator with attributes and one output. */
  public Value op(String type, Map<String, Attribute> attributes, Value... inputs) {
    return op(OpId.onnx(type), attributes, inputs);
  }

  /** Adds any operator with one output. */
  public Value op(OpId op, Map<String, Attribute> attributes, Value... inputs) {
    return ops(op, attributes, 1, inputs).getFirst();
  }

  /** Adds any operator with several outputs. */
  public List<Value> ops(
      OpId op, Map<String, Attribute> attributes, int outputCount, Value... inputs) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < outputCount; i++) {
      names.add(graph.freshName(prefix + "/" + op.type() + (i == 0 ? "" : ":" + i)));
    }
    return graph.addNode(op, names.getFirst(), Arrays.asList(inputs), names, attributes).outputs();
  }

  /** A constant of 64-bit integers, one-dimensional; equal ones share a value. */
  public Value longs(long... values) {
    return constant(
        Tensor.ofLongs(
            "banyan/longs" + Arrays.toString(values).replace(" ", ""),
            Shape.of(values.length),
            values));
  }

  /** A scalar 64-bit integer constant; equal ones share a value. */
  public Value scalar(long value) {
    return constant(Tensor.ofLongs("banyan/long(" + value + ")", Shape.SCALAR, value));
  }

  /** A scalar float constant; equal ones share a value. */
  public Value scalar(float value) {
    return constant(Tensor.ofFloats("banyan/float(" + value + ")", Shape.SCALAR, value));
  }

  private Value constant(Tensor tensor) {
    return graph.find(tensor.name()).orElseGet(() -> graph.addConstant(tensor));
  }
}
