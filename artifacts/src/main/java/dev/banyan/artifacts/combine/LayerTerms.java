package dev.banyan.artifacts.combine;

import java.util.List;

/**
 * One layer of the adapters that adapt it.
 *
 * @param keys the names of its factors in the files
 * @param terms one for each adapter that has the layer, in the order of the adapters
 */
record LayerTerms(FactorKeys keys, List<Term> terms) {
  LayerTerms {
    terms = List.copyOf(terms);
  }

  /**
   * What one adapter adds: {@code scaling·b·a}, to be counted with its weight.
   *
   * @param adapter which of the adapters, from 0
   * @param weight how much it counts
   * @param scaling the adapter's own, alpha/rank
   * @param factors its factors
   */
  record Term(int adapter, double weight, double scaling, Factors factors) {
    double weightWithScaling() {
      return weight * scaling;
    }
  }
}
