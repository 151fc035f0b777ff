package dev.banyan.graph.site;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;

/**
 * A linear layer {@code y = x W} that can carry an adapter.
 *
 * @param path module path, such as {@code encoder.layer.0.attention.self.query}
 * @param node the MatMul or Gemm
 * @param inFeatures size of an input row
 * @param outFeatures size of an output row
 */
public record Site(String path, Node node, long inFeatures, long outFeatures) {
  /** The layer's input, {@code [..., in]}. */
  public Value input() {
    return node.input(0);
  }

  /** The layer's output before its bias, {@code [..., out]}; a Gemm's with it. */
  public Value output() {
    return node.output();
  }
}
