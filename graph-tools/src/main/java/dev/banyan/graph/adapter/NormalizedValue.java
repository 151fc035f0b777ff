package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.Optional;
import java.util.Set;

/**
 * Tells a value that was divided by its own size from others that are multiplied by a vector: the
 * middle of a normalization that an exporter has spelled out.
 */
final class NormalizedValue {
  private static final Set<String> ROOTS = Set.of("Sqrt", "Pow");

  private NormalizedValue() {}

  /** Whether a value is {@code x / sqrt(..)}, {@code x * (1 / sqrt(..))} or {@code x * (..)^p}. */
  static boolean is(Value value) {
    Optional<Node> maker = made(value);
    return maker.filter(node -> node.op().is("Div") && isRoot(node.input(1))).isPresent()
        || maker
            .filter(node -> node.op().is("Mul"))
            .filter(node -> isInverse(node.input(0)) || isInverse(node.input(1)))
            .isPresent();
  }

  private static boolean isRoot(Value value) {
    return made(value).filter(node -> ROOTS.contains(node.op().type())).isPresent();
  }

  private static boolean isInverse(Value value) {
    Optional<Node> maker = made(value);
    return maker.filter(node -> node.op().is("Reciprocal") && isRoot(node.input(0))).isPresent()
        || maker
            .filter(node -> node.op().is("Div") && node.input(0).isConstant())
            .filter(node -> isRoot(node.input(1)))
            .isPresent()
        || maker.filter(node -> node.op().is("Pow") && isNegative(node.input(1))).isPresent();
  }

  private static boolean isNegative(Value exponent) {
    return exponent
        .constant()
        .filter(tensor -> tensor.type() == DType.FLOAT && tensor.shape().elements() == 1)
        .filter(tensor -> tensor.floats()[0] < 0)
        .isPresent();
  }

  /** Models compute statistics in floats of another size. */
  private static Optional<Node> made(Value value) {
    Optional<Node> maker = value.producer();
    return maker.filter(node -> node.op().is("Cast")).isPresent()
        ? made(maker.get().input(0))
        : maker;
  }
}
