package dev.banyan.artifacts.combine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TruncatedSvdTest {
  /** Errors of a decomposition in 64 bits, with room. */
  private static final double TOLERANCE = 1e-10;

  @ParameterizedTest
  @CsvSource({"9, 5", "5, 9", "6, 6", "1, 7", "7, 1"})
  void atFullRankTheMatrixComesBack(int rows, int columns) {
    DMatrixRMaj matrix = random(rows, columns);
    Factors factors = TruncatedSvd.of(matrix, Math.min(rows, columns));
    assertThat(distance(factors, matrix)).isCloseTo(0, within(TOLERANCE));
  }

  @Test
  void whatIsCutOffIsTheSmallestSingularValues() {
    DMatrixRMaj matrix = new DMatrixRMaj(5, 4);
    double[] values = {3, 12, 4, 6};
    for (int i = 0; i < values.length; i++) {
      matrix.set(i, i, values[i]);
    }
    // The root of 3 * 3 + 4 * 4.
    assertThat(distance(TruncatedSvd.of(matrix, 2), matrix)).isCloseTo(5, within(TOLERANCE));
  }

  @ParameterizedTest
  @CsvSource({"9, 5, 3, 2", "5, 9, 3, 2", "4, 3, 8, 2", "9, 5, 3, 3"})
  void aProductIsTakenApartAsItsMatrixIs(int rows, int columns, int rank, int wanted) {
    Factors product = new Factors(random(rank, columns), random(rows, rank));
    DMatrixRMaj matrix = product.product(1);
    Factors ofProduct = TruncatedSvd.of(product, wanted);
    Factors ofMatrix = TruncatedSvd.of(matrix, wanted);
    assertThat(distance(ofProduct, ofMatrix.product(1))).isCloseTo(0, within(TOLERANCE));
  }

  @Test
  void columnsOfZerosAreNoObstacle() {
    DMatrixRMaj matrix = random(6, 4);
    for (int row = 0; row < 6; row++) {
      matrix.set(row, 1, 0);
    }
    assertThat(distance(TruncatedSvd.of(matrix, 4), matrix)).isCloseTo(0, within(TOLERANCE));
    DMatrixRMaj nothing = new DMatrixRMaj(3, 4);
    assertThat(distance(TruncatedSvd.of(nothing, 2), nothing)).isCloseTo(0, within(TOLERANCE));
  }

  @Test
  void aRankThatTheMatrixDoesNotHaveIsFilledUpWithZeros() {
    DMatrixRMaj matrix = random(2, 5);
    Factors factors = TruncatedSvd.of(matrix, 4);
    assertThat(factors.rank()).isEqualTo(4);
    assertThat(distance(factors, matrix)).isCloseTo(0, within(TOLERANCE));
    assertThat(factors.b().get(0, 3)).isZero();
  }

  private static DMatrixRMaj random(int rows, int columns) {
    return RandomMatrices_DDRM.rectangle(rows, columns, -1, 1, new Random(31L * rows + columns));
  }

  private static double distance(Factors factors, DMatrixRMaj expected) {
    DMatrixRMaj difference = factors.product(1);
    CommonOps_DDRM.subtractEquals(difference, expected);
    return NormOps_DDRM.normF(difference);
  }
}
