package dev.banyan.artifacts.combine;

import dev.banyan.artifacts.integrity.UnusableArtifact;

/** How far combined layers are from the weighted sum of the products, over all layers together. */
final class Distance {
  private double ofResult;
  private double ofSum;
  private double between;

  /** Counts a layer. */
  void add(LayerTerms terms, Factors result) {
    Factors sum = Concatenation.of(terms);
    double inSum = sum.dot(sum);
    double inResult = result.dot(result);
    ofSum += inSum;
    ofResult += inResult;
    // What rounding leaves of a difference of equal products may be below zero.
    between += Math.max(0, inSum - 2 * sum.dot(result) + inResult);
  }

  /** The root of the squares of all differences, relative to the same of the sum. */
  double relative() {
    return ofSum == 0 ? Double.POSITIVE_INFINITY : Math.sqrt(between / ofSum);
  }

  /** Such an adapter would answer as the base does, and nobody would know. */
  void requireEffect() {
    if (ofResult == 0) {
      throw new UnusableArtifact(
          "adapters",
          "the combined adapter is zero in every layer, so it changes nothing",
          "choose other weights or a higher density");
    }
  }
}
