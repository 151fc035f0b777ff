package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import java.util.Map;

/**
 * The few operators that heads and losses are made of, spelled as the model's operator set version
 * has them.
 *
 * @param builder where nodes are added
 * @param opset version of ONNX's operator set
 */
record Nodes(GraphBuilder builder, int opset) {
  /** The same under a longer name. */
  Nodes in(String name) {
    return new Nodes(builder.in(name), opset);
  }

  /** An operator with one output. */
  Value op(String type, Value... inputs) {
    return builder.op(type, inputs);
  }

  /** The sum over one axis, which stays with size 1. */
  Value sumAlong(long axis, Value value) {
    Attribute keep = Attribute.of(1L);
    return opset >= 13
        ? builder.op("ReduceSum", Map.of("keepdims", keep), value, builder.longs(axis))
        : builder.op("ReduceSum", Map.of("keepdims", keep, "axes", Attribute.ints(axis)), value);
  }

  /** The sum of all elements, a scalar. */
  Value sum(Value value) {
    return builder.op("ReduceSum", Map.of("keepdims", Attribute.of(0L)), value);
  }

  /** The mean of all elements, a scalar. */
  Value mean(Value value) {
    return op("Div", sum(value), toFloat(op("Size", value)));
  }

  /** The mean of the squares of all elements, a scalar. */
  Value meanSquare(Value value) {
    return mean(op("Mul", value, value));
  }

  /** The value as float. */
  Value toFloat(Value value) {
    return cast(value, DType.FLOAT);
  }

  /** The value in another element type. */
  Value cast(Value value, DType type) {
    return builder.op("Cast", Map.of("to", Attribute.of((long) type.onnxCode())), value);
  }

  /** The size of an axis, counted from the last if negative: an int64 scalar. */
  Value size(long axis, Value value) {
    return builder.op("Gather", builder.op("Shape", value), builder.scalar(axis));
  }

  /** The slice at one position of an axis, which goes away. */
  Value at(long position, long axis, Value value) {
    return builder.op(
        "Gather", Map.of("axis", Attribute.of(axis)), value, builder.scalar(position));
  }

  /** The value with a new axis of size 1 at this place. */
  Value unsqueeze(long axis, Value value) {
    return opset() >= 13
        ? builder.op("Unsqueeze", value, builder.longs(axis))
        : builder.op("Unsqueeze", Map.of("axes", Attribute.ints(axis)), value);
  }

  /** Part of an axis: from one place up to another. */
  Value slice(Value value, long axis, long from, long to) {
    return builder.op("Slice", value, builder.longs(from), builder.longs(to), builder.longs(axis));
  }

  /** The value with these dimensions; 0 keeps one and -1 stands for the rest. */
  Value reshape(Value value, long... dims) {
    return builder.op("Reshape", value, builder.longs(dims));
  }

  /** The logarithm of the softmax over the last axis. */
  Value logSoftmax(Value scores) {
    return builder.op("LogSoftmax", Map.of("axis", Attribute.of(-1L)), scores);
  }
}
