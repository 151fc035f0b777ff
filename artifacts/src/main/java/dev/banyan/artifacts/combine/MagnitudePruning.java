package dev.banyan.artifacts.combine;

import java.util.List;

/**
 * The weighted sum of what each tensor has of its largest elements.
 *
 * @param density the share of elements that stays
 */
record MagnitudePruning(double density) implements MixRule {
  /** Checks the density. */
  MagnitudePruning {
    Sparsity.require(density);
  }

  @Override
  public double[] mix(List<Weighted> tensors, RandomMasks masks) {
    return new WeightedSum().mix(Sparsity.largest(tensors, density), masks);
  }
}
