package dev.banyan.artifacts.combine;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * What an adapter adds to the weight of a layer, as a product {@code b·a}.
 *
 * @param a {@code [rank, columns]}
 * @param b {@code [rows, rank]}
 */
record Factors(DMatrixRMaj a, DMatrixRMaj b) {
  int rank() {
    return a.getNumRows();
  }

  int rows() {
    return b.getNumRows();
  }

  int columns() {
    return a.getNumCols();
  }

  /** {@code scale·b·a}, {@code [rows, columns]}. */
  DMatrixRMaj product(double scale) {
    DMatrixRMaj product = new DMatrixRMaj(rows(), columns());
    CommonOps_DDRM.mult(scale, b, a, product);
    return product;
  }

  /** The same product with zeros behind the rank, up to a higher one. */
  Factors padded(int higher) {
    if (higher == rank()) {
      return this;
    }
    DMatrixRMaj wideA = new DMatrixRMaj(higher, columns());
    DMatrixRMaj wideB = new DMatrixRMaj(rows(), higher);
    CommonOps_DDRM.insert(a, wideA, 0, 0);
    CommonOps_DDRM.insert(b, wideB, 0, 0);
    return new Factors(wideA, wideB);
  }

  /** The sum over all elements of this product times the other's, without making either. */
  double dot(Factors other) {
    DMatrixRMaj ofRows = new DMatrixRMaj(rank(), other.rank());
    DMatrixRMaj ofColumns = new DMatrixRMaj(rank(), other.rank());
    CommonOps_DDRM.multTransA(b, other.b, ofRows);
    CommonOps_DDRM.multTransB(a, other.a, ofColumns);
    CommonOps_DDRM.elementMult(ofRows, ofColumns);
    return CommonOps_DDRM.elementSum(ofRows);
  }
}
