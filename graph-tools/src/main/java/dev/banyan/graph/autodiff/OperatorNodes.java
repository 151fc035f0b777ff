package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Adds operators, arithmetic and constants to the backward part of a graph, and makes the same node
 * only once, so that formulas may repeat what they share.
 */
public class OperatorNodes {
  private final GraphBuilder builder;
  private final int opset;
  private final Map<Key, List<Value>> made;

  private record Key(OpId op, Map<String, Attribute> attributes, List<Value> inputs, int outputs) {}

  /** Adds to the graph of this model. */
  OperatorNodes(Model model) {
    this(new GraphBuilder(model.graph(), "banyan/gradient"), model.opset(), new HashMap<>());
  }

  /** Adds to the same graph, with {@code name} in the names of what it adds. */
  OperatorNodes(OperatorNodes shared, String name) {
    this(
        name.isEmpty() ? shared.builder : shared.builder.in(plain(name)),
        shared.opset,
        shared.made);
  }

  private OperatorNodes(GraphBuilder builder, int opset, Map<Key, List<Value>> made) {
    this.builder = builder;
    this.opset = opset;
    this.made = made;
  }

  private static String plain(String name) {
    return (name.startsWith("/") ? name.substring(1) : name).replace(' ', '_');
  }

  /** Version of ONNX's operator set that the model speaks. */
  public final int opset() {
    return opset;
  }

  /** The graph that is added to. */
  final Graph graph() {
    return builder.graph();
  }

  /** An ONNX operator with one output. */
  public final Value op(String type, Value... inputs) {
    return ops(OpId.onnx(type), Map.of(), 1, inputs).getFirst();
  }

  /** An ONNX operator with attributes and one output. */
  public final Value op(String type, Map<String, Attribute> attributes, Value... inputs) {
    return ops(OpId.onnx(type), attributes, 1, inputs).getFirst();
  }

  /** Any operator. */
  public final List<Value> ops(
      OpId op, Map<String, Attribute> attributes, int outputs, Value... inputs) {
    return made.computeIfAbsent(
        new Key(op, new TreeMap<>(attributes), List.of(inputs), outputs),
        key -> builder.ops(op, attributes, outputs, inputs));
  }

  // ---- arithmetic; operands may be broadcast ----

  /** {@code a + b}. */
  public final Value add(Value a, Value b) {
    return op("Add", a, b);
  }

  /** {@code a - b}. */
  public final Value sub(Value a, Value b) {
    return op("Sub", a, b);
  }

  /** {@code a * b}; what is multiplied by the constant 1 stays as it is. */
  public final Value mul(Value a, Value b) {
    if (Constants.isScalarOne(a)) {
      return b;
    }
    return Constants.isScalarOne(b) ? a : op("Mul", a, b);
  }

  /** {@code a / b}. */
  public final Value div(Value a, Value b) {
    return op("Div", a, b);
  }

  /** {@code -a}. */
  public final Value neg(Value a) {
    return op("Neg", a);
  }

  /** {@code a} where the condition holds, else {@code b}. */
  public final Value where(Value condition, Value a, Value b) {
    return op("Where", condition, a, b);
  }

  /** {@code a} in another element type. */
  public final Value cast(Value a, DType type) {
    return op("Cast", Map.of("to", Attribute.of((long) type.onnxCode())), a);
  }

  // ---- constants ----

  /** A scalar constant of this element type; equal ones share a value. */
  public final Value number(double value, DType type) {
    return constant(Constants.scalar(value, type));
  }

  /** A scalar int64 constant; equal ones share a value. */
  public final Value whole(long value) {
    return builder.scalar(value);
  }

  /** A one-dimensional int64 constant; equal ones share a value. */
  public final Value longs(long... values) {
    return builder.longs(values);
  }

  /** A one-dimensional float constant; equal ones share a value. */
  public final Value floats(float... values) {
    String name = "banyan/floats" + Arrays.toString(values).replace(" ", "");
    return constant(Tensor.ofFloats(name, Shape.of(values.length), values));
  }

  /** A constant; equal names share a value. */
  final Value constant(Tensor tensor) {
    return builder.graph().find(tensor.name()).orElseGet(() -> builder.graph().addConstant(tensor));
  }
}
