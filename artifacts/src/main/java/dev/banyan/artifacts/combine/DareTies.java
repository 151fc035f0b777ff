package dev.banyan.artifacts.combine;

import java.util.List;

/**
 * DARE's random dropping with the elected signs of TIES.
 *
 * @param density the chance of each element to stay
 * @param sign how the sign is elected
 */
record DareTies(double density, MajoritySign sign) implements MixRule {
  /** Checks the density. */
  DareTies {
    Sparsity.require(density);
  }

  @Override
  public double[] mix(List<Weighted> tensors, RandomMasks masks) {
    return sign.meanOfElected(Sparsity.random(tensors, density, masks));
  }
}
