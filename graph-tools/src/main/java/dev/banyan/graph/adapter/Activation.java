package dev.banyan.graph.adapter;

import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What a bottleneck does between its layers. Each gives zero for zero, so that a bottleneck may be
 * filled up.
 */
enum Activation {
  /** The greater of x and zero. */
  RELU,
  /** x times the normal distribution up to x. */
  GELU,
  /** x times its sigmoid, also called swish. */
  SILU;

  /** The name used in settings. */
  String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Optional<Activation> of(String text) {
    return Arrays.stream(values()).filter(value -> value.text().equals(text)).findFirst();
  }

  static String names() {
    return Arrays.stream(values()).map(Activation::text).collect(Collectors.joining(", "));
  }

  /** Adds it in plain operators, which training and ONNX Runtime fuse. */
  Value add(GraphBuilder builder, Value x) {
    return switch (this) {
      case RELU -> builder.op("Relu", x);
      case SILU -> builder.op("Mul", x, builder.op("Sigmoid", x));
      case GELU -> {
        Value ratio = builder.op("Div", x, builder.scalar((float) Math.sqrt(2)));
        Value sum = builder.op("Add", builder.op("Erf", ratio), builder.scalar(1f));
        yield builder.op("Mul", builder.op("Mul", x, sum), builder.scalar(0.5f));
      }
    };
  }
}
