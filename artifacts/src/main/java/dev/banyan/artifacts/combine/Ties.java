package dev.banyan.artifacts.combine;

import java.util.List;

/**
 * TIES: trims each tensor to its largest elements, elects a sign for each element, and takes the
 * mean of those that have it (Yadav and others, 2023).
 *
 * @param density the share of elements that stays
 * @param sign how the sign is elected
 */
record Ties(double density, MajoritySign sign) implements MixRule {
  /** Checks the density. */
  Ties {
    Sparsity.require(density);
  }

  @Override
  public double[] mix(List<Weighted> tensors, RandomMasks masks) {
    return sign.meanOfElected(Sparsity.largest(tensors, density));
  }
}
