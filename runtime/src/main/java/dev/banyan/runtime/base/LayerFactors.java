package dev.banyan.runtime.base;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;

/**
 * Factors of a layer's weight that an adapter starts from and counts from: what it adds is its own
 * product less theirs.
 *
 * @param a float {@code [in, rank]}
 * @param b float {@code [rank, out]}
 */
public record LayerFactors(Tensor a, Tensor b) {
  /**
   * Which factors.
   *
   * @param method PiSSA: the largest singular directions, the root of each singular value in either
   *     factor. OLoRA: the first columns of the weight made orthogonal in B, as PyTorch has it
   *     {@code [out, in]}, and what the weight has of them in A.
   * @param rank number of columns of A
   * @param scaling what their product is multiplied by
   */
  public record Wanted(MethodName method, int rank, double scaling) {
    /**
     * Checks the method.
     *
     * @throws IllegalArgumentException if it has no factors of the base
     */
    public Wanted {
      if (method != MethodName.PISSA && method != MethodName.OLORA) {
        throw new IllegalArgumentException(method + " has no factors of the base");
      }
    }
  }

  /**
   * Takes the weights of several layers apart, as many at once as there are processors.
   *
   * @param wanted by the path of a layer
   * @return by the path of a layer
   */
  public static Map<String, LayerFactors> of(Map<String, Wanted> wanted, BaseLayers layers) {
    return wanted.entrySet().parallelStream()
        .collect(
            Collectors.toConcurrentMap(
                Map.Entry::getKey, each -> of(each.getValue(), layers.weight(each.getKey()))));
  }

  /**
   * Takes a weight apart.
   *
   * @param weight float {@code [in, out]}
   */
  public static LayerFactors of(Wanted wanted, Tensor weight) {
    Matrix matrix = new Matrix(weight);
    return wanted.method() == MethodName.PISSA
        ? principal(wanted, matrix)
        : orthogonal(wanted, matrix);
  }

  /** Directions beyond the weight's own rank are zeros. */
  private static LayerFactors principal(Wanted wanted, Matrix weight) {
    LeadingDirections found = LeadingDirections.of(weight, wanted.rank());
    Factors factors = new Factors(weight, wanted.rank());
    for (int k = 0; k < found.vectors().size(); k++) {
      double value = Math.sqrt(found.squares().get(k));
      if (value > 0) {
        double[] right = found.vectors().get(k);
        double share = Math.sqrt(value / wanted.scaling());
        factors.put(k, weight.times(right), share / value, right, share);
      }
    }
    return factors.build();
  }

  /** Householder's reflections have the signs of LAPACK's, so these are PyTorch's vectors. */
  private static LayerFactors orthogonal(Wanted wanted, Matrix weight) {
    int count = Math.min(wanted.rank(), Math.min(weight.rows(), weight.columns()));
    DMatrixRMaj first = new DMatrixRMaj(weight.columns(), count);
    for (int k = 0; k < count; k++) {
      for (int i = 0; i < weight.columns(); i++) {
        first.set(i, k, weight.at(k, i));
      }
    }
    QRDecomposition<DMatrixRMaj> parts = DecompositionFactory_DDRM.qr(weight.columns(), count);
    // False where a row is zero: nothing is reflected for it then, and the basis is one all the
    // same.
    boolean _ = parts.decompose(first);
    DMatrixRMaj rows = CommonOps_DDRM.transpose(parts.getQ(null, true), null);
    Factors factors = new Factors(weight, wanted.rank());
    for (int k = 0; k < count; k++) {
      double[] row =
          Arrays.copyOfRange(rows.data, k * weight.columns(), (k + 1) * weight.columns());
      factors.put(k, weight.times(row), 1, row, 1);
    }
    return factors.build();
  }

  /** The elements of both factors as they come. */
  private static final class Factors {
    private final int rows;
    private final int columns;
    private final int rank;
    private final float[] a;
    private final float[] b;

    Factors(Matrix weight, int rank) {
      this.rows = weight.rows();
      this.columns = weight.columns();
      this.rank = rank;
      this.a = new float[rows * rank];
      this.b = new float[rank * columns];
    }

    void put(int k, double[] column, double ofA, double[] row, double ofB) {
      for (int i = 0; i < rows; i++) {
        a[i * rank + k] = (float) (column[i] * ofA);
      }
      for (int i = 0; i < columns; i++) {
        b[k * columns + i] = (float) (row[i] * ofB);
      }
    }

    LayerFactors build() {
      return new LayerFactors(
          Tensor.ofFloats("a", Shape.of(rows, rank), a),
          Tensor.ofFloats("b", Shape.of(rank, columns), b));
    }
  }
}
