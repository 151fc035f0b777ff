package dev.banyan.runtime.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LayerFactorsTest {
  private final SplittableRandom random = new SplittableRandom(5);

  @ParameterizedTest
  @CsvSource({"40, 30, 4", "30, 200, 8", "200, 30, 30", "7, 5, 2", "5, 5, 5"})
  void pissasProductIsTheNearestOfItsRank(int rows, int columns, int rank) {
    requireNearest(weight(rows, columns, Math.min(rows, columns)), rank);
  }

  @Test
  void directionsThatTheWeightLacksAreZeros() {
    LayerFactors factors = requireNearest(weight(20, 24, 3), 6);
    float[] a = factors.a().floats();
    for (int row = 0; row < 20; row++) {
      for (int k = 3; k < 6; k++) {
        // The root of a singular value that rounding leaves.
        assertThat(a[row * 6 + k]).isCloseTo(0, within(1e-3f));
      }
    }
    Tensor zeros = Tensor.ofFloats("w", Shape.of(3, 4), new float[12]);
    assertThat(factors(MethodName.PISSA, 2, zeros).a().floats()).containsOnly(0);
    assertThat(factors(MethodName.OLORA, 2, zeros).a().floats()).containsOnly(0);
  }

  /** Every direction of such a weight is as large as any other. */
  @Test
  void equalSingularValuesAreFoundAsOftenAsTheyAreThere() {
    float[] values = new float[16 * 16];
    for (int i = 0; i < 16; i++) {
      values[i * 17] = i < 12 ? 2 : 1;
    }
    Tensor weight = Tensor.ofFloats("w", Shape.of(16, 16), values);
    double[] found = singularValues(product(factors(MethodName.PISSA, 5, weight)));
    assertThat(Arrays.copyOf(found, 6))
        .containsExactly(new double[] {2, 2, 2, 2, 2, 0}, within(1e-5));
  }

  @ParameterizedTest
  @CsvSource({"12, 9, 3", "9, 12, 9", "4, 4, 6"})
  void olorasFirstRowsOfTheWeightAreKeptWhole(int rows, int columns, int rank) {
    Tensor weight = weight(rows, columns, Math.min(rows, columns));
    LayerFactors factors = factors(MethodName.OLORA, rank, weight);
    DMatrixRMaj product = product(factors);
    float[] values = weight.floats();
    for (int row = 0; row < Math.min(rank, rows); row++) {
      for (int column = 0; column < columns; column++) {
        assertThat(product.get(row, column))
            .isCloseTo(values[row * columns + column], within(1e-5));
      }
    }
    DMatrixRMaj b = matrix(factors.b());
    DMatrixRMaj angles = new DMatrixRMaj(rank, rank);
    CommonOps_DDRM.multTransB(b, b, angles);
    int known = Math.min(rank, Math.min(rows, columns));
    for (int i = 0; i < rank; i++) {
      for (int k = 0; k < rank; k++) {
        assertThat(angles.get(i, k)).isCloseTo(i == k && i < known ? 1 : 0, within(1e-6));
      }
    }
  }

  @Test
  void otherMethodsHaveNoFactorsOfTheBase() {
    assertThatThrownBy(() -> new LayerFactors.Wanted(MethodName.LORA, 2, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static LayerFactors factors(MethodName method, int rank, Tensor weight) {
    return LayerFactors.of(new LayerFactors.Wanted(method, rank, 1), weight);
  }

  /** What is left of the weight has the weight's other singular values. */
  private static LayerFactors requireNearest(Tensor weight, int rank) {
    double scaling = 0.5;
    LayerFactors factors =
        LayerFactors.of(new LayerFactors.Wanted(MethodName.PISSA, rank, scaling), weight);
    double[] all = singularValues(matrix(weight));
    DMatrixRMaj left = matrix(weight);
    CommonOps_DDRM.addEquals(left, -scaling, product(factors));
    double[] expected = new double[all.length];
    System.arraycopy(all, Math.min(rank, all.length), expected, 0, Math.max(0, all.length - rank));
    // Factors are floats, and singular values of about ten.
    assertThat(singularValues(left)).containsExactly(expected, within(1e-4));
    return factors;
  }

  private static double[] singularValues(DMatrixRMaj matrix) {
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(
            matrix.getNumRows(), matrix.getNumCols(), false, false, false);
    assertThat(svd.decompose(matrix.copy())).isTrue();
    double[] values = Arrays.copyOf(svd.getSingularValues(), svd.numberOfSingularValues());
    SingularOps_DDRM.descendingOrder(null, false, values, values.length, null, false);
    return values;
  }

  private static DMatrixRMaj product(LayerFactors factors) {
    DMatrixRMaj a = matrix(factors.a());
    DMatrixRMaj b = matrix(factors.b());
    DMatrixRMaj product = new DMatrixRMaj(a.getNumRows(), b.getNumCols());
    CommonOps_DDRM.mult(a, b, product);
    return product;
  }

  private static DMatrixRMaj matrix(Tensor tensor) {
    int rows = Math.toIntExact(tensor.shape().dim(0));
    int columns = Math.toIntExact(tensor.shape().dim(1));
    DMatrixRMaj matrix = new DMatrixRMaj(rows, columns);
    float[] values = tensor.floats();
    for (int i = 0; i < values.length; i++) {
      matrix.set(i, values[i]);
    }
    return matrix;
  }

  private Tensor weight(int rows, int columns, int rank) {
    DMatrixRMaj product = new DMatrixRMaj(rows, columns);
    CommonOps_DDRM.mult(drawn(rows, rank), drawn(rank, columns), product);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) product.get(i);
    }
    return Tensor.ofFloats("w", Shape.of(rows, columns), values);
  }

  private DMatrixRMaj drawn(int rows, int columns) {
    DMatrixRMaj matrix = new DMatrixRMaj(rows, columns);
    for (int i = 0; i < rows * columns; i++) {
      matrix.set(i, random.nextGaussian());
    }
    return matrix;
  }
}
