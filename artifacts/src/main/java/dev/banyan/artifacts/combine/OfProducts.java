package dev.banyan.artifacts.combine;

import java.util.List;
import org.ejml.data.DMatrixRMaj;

/**
 * A rule applied to the products {@code scaling·B·A}, whose result is taken apart again by its
 * largest singular values: PEFT's {@code svd} and the types that end in {@code _svd}.
 *
 * @param rule how products become one
 * @param wanted the rank to get; the largest of the adapters' if it is 0
 */
record OfProducts(MixRule rule, int wanted) implements Combination {
  /**
   * Checks the rank.
   *
   * @throws IllegalArgumentException if it is negative
   */
  OfProducts {
    require(wanted);
  }

  static void require(int rank) {
    if (rank < 0) {
      throw new IllegalArgumentException("svd-rank is " + rank + "; expected 1 or more");
    }
  }

  @Override
  public int rank(List<Integer> ranks) {
    return wanted > 0 ? wanted : ranks.stream().mapToInt(Integer::intValue).max().orElse(0);
  }

  @Override
  public Factors combine(LayerTerms layer, int rank, RandomMasks masks) {
    if (rule instanceof WeightedSum) {
      // A sum of products of low rank is one too, and never has to be made.
      return TruncatedSvd.of(Concatenation.of(layer), rank);
    }
    List<MixRule.Weighted> products =
        layer.terms().stream()
            .map(
                term ->
                    new MixRule.Weighted(
                        new RandomMasks.Place(layer.keys().ofA(), term.adapter()),
                        term.weight(),
                        term.factors().product(term.scaling())))
            .toList();
    Factors first = layer.terms().getFirst().factors();
    double[] mixed = rule.mix(products, masks);
    return TruncatedSvd.of(DMatrixRMaj.wrap(first.rows(), first.columns(), mixed), rank);
  }
}
