package dev.banyan.artifacts.combine;

import java.util.List;
import org.ejml.data.DMatrixRMaj;

/** How tensors of one shape become one: element by element, after some of them may be left out. */
sealed interface MixRule permits WeightedSum, MagnitudePruning, Ties, DareLinear, DareTies {

  /**
   * The tensor that they become; what is handed in is left as it is.
   *
   * @param tensors one for each adapter that has it, all of one length
   * @param masks what a rule that drops at random asks
   */
  double[] mix(List<Weighted> tensors, RandomMasks masks);

  /**
   * A tensor of one adapter.
   *
   * @param place what it is
   * @param weight how much it counts
   * @param matrix its elements
   */
  record Weighted(RandomMasks.Place place, double weight, DMatrixRMaj matrix) {
    double[] values() {
      return matrix.getData();
    }

    Weighted with(double[] others) {
      return new Weighted(
          place, weight, DMatrixRMaj.wrap(matrix.getNumRows(), matrix.getNumCols(), others));
    }
  }
}
