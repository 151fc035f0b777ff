package dev.banyan.artifacts.combine;

import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * PEFT's {@code cat}: the factors side by side, whose product is the weighted sum of the products,
 * exactly. The rank is the sum of the ranks.
 */
record Concatenation() implements Combination {
  @Override
  public int rank(List<Integer> ranks) {
    return ranks.stream().mapToInt(Integer::intValue).sum();
  }

  @Override
  public Factors combine(LayerTerms layer, int rank, RandomMasks masks) {
    return of(layer).padded(rank);
  }

  /** Factors of the weighted sum of a layer's products. */
  static Factors of(LayerTerms layer) {
    Factors first = layer.terms().getFirst().factors();
    int rank = layer.terms().stream().mapToInt(term -> term.factors().rank()).sum();
    DMatrixRMaj a = new DMatrixRMaj(rank, first.columns());
    DMatrixRMaj b = new DMatrixRMaj(first.rows(), rank);
    int at = 0;
    for (LayerTerms.Term term : layer.terms()) {
      DMatrixRMaj weighted = term.factors().a().copy();
      CommonOps_DDRM.scale(term.weightWithScaling(), weighted);
      CommonOps_DDRM.insert(weighted, a, at, 0);
      CommonOps_DDRM.insert(term.factors().b(), b, 0, at);
      at += term.factors().rank();
    }
    return new Factors(a, b);
  }
}
