package dev.banyan.graph.site;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.Optional;

/**
 * A product with a constant weight that is stored in few bits.
 *
 * @param inFeatures size of the last axis of the input
 * @param outFeatures size of the last axis of the output
 */
record QuantizedLayer(long inFeatures, long outFeatures) {
  /** The layer that a node is, if its weight is quantized. */
  static Optional<QuantizedLayer> of(Node node) {
    Value weight = node.input(1);
    if (node.op().equals(OpId.microsoft("MatMulNBits")) && weight.isConstant()) {
      return attributes(node);
    }
    return Optional.empty();
  }

  private static Optional<QuantizedLayer> attributes(Node node) {
    return Optional.of(new QuantizedLayer(node.intAttribute("K", 0), node.intAttribute("N", 0)));
  }
}
