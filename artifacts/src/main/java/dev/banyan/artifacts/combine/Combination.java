package dev.banyan.artifacts.combine;

import java.util.List;

/** How the layers of several adapters become those of one. */
sealed interface Combination permits OfFactors, OfProducts, Concatenation {
  /**
   * The rank that the adapter gets.
   *
   * @param ranks the largest rank of each adapter
   */
  int rank(List<Integer> ranks);

  /**
   * A layer of the adapter, whose scaling is one.
   *
   * @param layer the layer of those adapters that have it
   * @param rank the adapter's rank
   * @param masks what a rule that drops at random asks
   * @return factors of that rank
   * @throws dev.banyan.artifacts.integrity.UnusableArtifact if these layers do not combine so
   */
  Factors combine(LayerTerms layer, int rank, RandomMasks masks);
}
