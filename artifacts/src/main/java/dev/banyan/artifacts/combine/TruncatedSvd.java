package dev.banyan.artifacts.combine;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRPDecomposition_F64;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The product of a rank that is nearest to a matrix (Eckart and Young, 1936): A has the right
 * singular vectors as rows, B the left ones times the singular values as columns.
 *
 * <p>What is long is first made orthogonal, so that only a small matrix is decomposed.
 */
final class TruncatedSvd {
  private TruncatedSvd() {}

  /** Of a product; costs little where its rank is low. */
  static Factors of(Factors product, int rank) {
    Orthogonal rows = Orthogonal.of(product.b());
    Orthogonal columns = Orthogonal.of(transposed(product.a()));
    DMatrixRMaj core = new DMatrixRMaj(rows.r().getNumRows(), columns.r().getNumRows());
    CommonOps_DDRM.multTransB(rows.r(), columns.r(), core);
    return nearest(core, rank).between(rows.q(), columns.q());
  }

  /** Of any matrix. */
  static Factors of(DMatrixRMaj matrix, int rank) {
    if (matrix.getNumRows() > matrix.getNumCols()) {
      Orthogonal rows = Orthogonal.of(matrix);
      Triple found = nearest(rows.r(), rank);
      return found.between(rows.q(), CommonOps_DDRM.identity(matrix.getNumCols()));
    }
    Orthogonal columns = Orthogonal.of(transposed(matrix));
    Triple found = nearest(transposed(columns.r()), rank);
    return found.between(CommonOps_DDRM.identity(matrix.getNumRows()), columns.q());
  }

  /**
   * A matrix as {@code q·r}.
   *
   * @param q columns of unit length, orthogonal to each other
   * @param r {@code [columns of q, columns]}
   */
  private record Orthogonal(DMatrixRMaj q, DMatrixRMaj r) {
    static Orthogonal of(DMatrixRMaj matrix) {
      // With pivoting, as columns may be zeros.
      QRPDecomposition_F64<DMatrixRMaj> qr =
          DecompositionFactory_DDRM.qrp(matrix.getNumRows(), matrix.getNumCols());
      // It may write over its input.
      if (!qr.decompose(matrix.copy())) {
        throw new IllegalStateException("No QR decomposition of " + dimensions(matrix));
      }
      DMatrixRMaj pivoted = qr.getR(null, true);
      DMatrixRMaj r = new DMatrixRMaj(pivoted.getNumRows(), pivoted.getNumCols());
      CommonOps_DDRM.multTransB(pivoted, qr.getColPivotMatrix(null), r);
      return new Orthogonal(qr.getQ(null, true), r);
    }
  }

  /**
   * The largest singular values with their vectors.
   *
   * @param u left vectors as columns, times the values
   * @param v right vectors as rows
   */
  private record Triple(DMatrixRMaj u, DMatrixRMaj v) {
    /** Factors of {@code left · (what these are of) · right'}. */
    Factors between(DMatrixRMaj left, DMatrixRMaj right) {
      DMatrixRMaj a = new DMatrixRMaj(v.getNumRows(), right.getNumRows());
      DMatrixRMaj b = new DMatrixRMaj(left.getNumRows(), u.getNumCols());
      CommonOps_DDRM.multTransB(v, right, a);
      CommonOps_DDRM.mult(left, u, b);
      return new Factors(a, b);
    }
  }

  private static Triple nearest(DMatrixRMaj matrix, int rank) {
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(matrix.getNumRows(), matrix.getNumCols(), true, true, true);
    if (!svd.decompose(matrix.copy())) {
      throw new IllegalStateException(
          "The singular values of %s were not found".formatted(dimensions(matrix)));
    }
    DMatrixRMaj left = svd.getU(null, false);
    DMatrixRMaj right = svd.getV(null, true);
    double[] values = Arrays.copyOf(svd.getSingularValues(), svd.numberOfSingularValues());
    SingularOps_DDRM.descendingOrder(left, false, values, values.length, right, true);
    int found = Math.min(rank, values.length);
    // Zeros where a rank is asked for that the matrix does not have.
    DMatrixRMaj u = new DMatrixRMaj(left.getNumRows(), rank);
    DMatrixRMaj v = new DMatrixRMaj(rank, right.getNumCols());
    CommonOps_DDRM.extract(left, 0, left.getNumRows(), 0, found, u, 0, 0);
    CommonOps_DDRM.extract(right, 0, found, 0, right.getNumCols(), v, 0, 0);
    double[] scales = Arrays.copyOf(values, rank);
    CommonOps_DDRM.multCols(u, scales);
    return new Triple(u, v);
  }

  private static DMatrixRMaj transposed(DMatrixRMaj matrix) {
    return CommonOps_DDRM.transpose(matrix, (DMatrixRMaj) null);
  }

  private static String dimensions(DMatrixRMaj matrix) {
    return "a matrix of %d x %d".formatted(matrix.getNumRows(), matrix.getNumCols());
  }
}
