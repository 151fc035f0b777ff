package dev.banyan.graph.site;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.Optional;
import java.util.Set;

/**
 * A product with a constant weight that is stored in few bits.
 *
 * @param inFeatures size of the last axis of the input
 * @param outFeatures size of the last axis of the output
 */
record QuantizedLayer(long inFeatures, long outFeatures) {
  private static final Set<OpId> FUSED =
      Set.of(OpId.microsoft("MatMulNBits"), OpId.microsoft("MatMulBnb4"));

  /** The layer that a node is, if its weight is quantized. */
  static Optional<QuantizedLayer> of(Node node) {
    if (isFused(node) && node.input(1).isConstant()) {
      return Optional.of(new QuantizedLayer(node.intAttribute("K", 0), node.intAttribute("N", 0)));
    }
    return node.op().is("MatMul") ? dequantized(node.input(1)) : Optional.empty();
  }

  /** True for an operator that multiplies by a weight in few bits. */
  static boolean isFused(Node node) {
    return FUSED.contains(node.op());
  }

  /** {@code DequantizeLinear} in front of the product. */
  private static Optional<QuantizedLayer> dequantized(Value weight) {
    return weight
        .producer()
        .filter(maker -> maker.op().is("DequantizeLinear") && makesFloat(maker))
        .flatMap(maker -> maker.input(0).constant())
        .map(Tensor::shape)
        .filter(shape -> shape.rank() == 2)
        .map(shape -> new QuantizedLayer(shape.dim(0), shape.dim(1)));
  }

  private static boolean makesFloat(Node maker) {
    return maker.input(1).type().filter(type -> type.dtype() == DType.FLOAT).isPresent();
  }
}
