package dev.banyan.runtime.base;

/**
 * The QR decomposition of a few columns by Householder's reflections, with LAPACK's signs, so that
 * PyTorch finds the same vectors.
 */
final class OrthogonalBasis {
  private OrthogonalBasis() {}

  /**
   * The first columns of Q, for the matrix whose columns are the first rows of this one.
   *
   * @return {@code [count][columns]}, each of length 1
   */
  static double[][] ofRows(Matrix matrix, int count) {
    int size = matrix.columns();
    double[][] reflections = new double[count][];
    for (int k = 0; k < count; k++) {
      double[] column = new double[size];
      for (int i = 0; i < size; i++) {
        column[i] = matrix.at(k, i);
      }
      for (int earlier = 0; earlier < k; earlier++) {
        reflect(column, reflections[earlier]);
      }
      reflections[k] = reflection(column, k);
    }
    double[][] basis = new double[count][size];
    for (int k = 0; k < count; k++) {
      basis[k][k] = 1;
      for (int i = count - 1; i >= 0; i--) {
        reflect(basis[k], reflections[i]);
      }
    }
    return basis;
  }

  /** The unit vector whose reflection leaves of a column nothing below an index. */
  private static double[] reflection(double[] column, int from) {
    double[] vector = new double[column.length];
    double below = 0;
    for (int i = from + 1; i < column.length; i++) {
      vector[i] = column[i];
      below += column[i] * column[i];
    }
    if (below == 0) {
      // LAPACK reflects nothing then.
      return new double[column.length];
    }
    double length = Math.sqrt(below + column[from] * column[from]);
    vector[from] = column[from] + (column[from] < 0 ? -length : length);
    double norm = Math.sqrt(below + vector[from] * vector[from]);
    for (int i = from; i < vector.length; i++) {
      vector[i] /= norm;
    }
    return vector;
  }

  private static void reflect(double[] vector, double[] by) {
    double product = 0;
    for (int i = 0; i < vector.length; i++) {
      product += vector[i] * by[i];
    }
    for (int i = 0; i < vector.length; i++) {
      vector[i] -= 2 * product * by[i];
    }
  }
}
