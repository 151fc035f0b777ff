package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.Tensor;
import java.util.Optional;

/**
 * What a linear layer computes with.
 *
 * @param weight float, of two axes, as the layer's node has it
 * @param bias float {@code [out]}
 */
public record LayerWeights(Tensor weight, Optional<Tensor> bias) {
  /** The same with another weight. */
  public LayerWeights with(Tensor other) {
    return new LayerWeights(other, bias);
  }
}
