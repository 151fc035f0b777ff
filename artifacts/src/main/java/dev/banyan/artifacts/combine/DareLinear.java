package dev.banyan.artifacts.combine;

import java.util.List;

/**
 * DARE: drops elements of each tensor at random, makes up for them by 1/density, and takes the
 * weighted sum (Yu and others, 2024).
 *
 * @param density the chance of each element to stay
 */
record DareLinear(double density) implements MixRule {
  /** Checks the density. */
  DareLinear {
    Sparsity.require(density);
  }

  @Override
  public double[] mix(List<Weighted> tensors, RandomMasks masks) {
    return new WeightedSum().mix(Sparsity.random(tensors, density, masks), masks);
  }
}
