package dev.banyan.runtime.base;

import dev.banyan.artifacts.tensor.Tensor;

/** A matrix of floats that multiplies in double precision. */
final class Matrix {
  private final int rows;
  private final int columns;
  private final float[] elements;

  /**
   * A tensor's.
   *
   * @param tensor float {@code [rows, columns]}
   */
  Matrix(Tensor tensor) {
    this.rows = Math.toIntExact(tensor.shape().dim(0));
    this.columns = Math.toIntExact(tensor.shape().dim(1));
    this.elements = tensor.floats();
  }

  int rows() {
    return rows;
  }

  int columns() {
    return columns;
  }

  double at(int row, int column) {
    return elements[row * columns + column];
  }

  /** The product with a vector of as many elements as there are columns. */
  double[] times(double[] vector) {
    double[] product = new double[rows];
    for (int row = 0; row < rows; row++) {
      product[row] = ofRow(row, vector);
    }
    return product;
  }

  /** The product of the transpose and {@link #times}. */
  double[] squareTimes(double[] vector) {
    double[] product = new double[columns];
    for (int row = 0; row < rows; row++) {
      double factor = ofRow(row, vector);
      int from = row * columns;
      for (int column = 0; column < columns; column++) {
        product[column] += factor * elements[from + column];
      }
    }
    return product;
  }

  /** Four sums at once, each of which waits for its own last addition only. */
  private double ofRow(int row, double[] vector) {
    int from = row * columns;
    double one = 0;
    double two = 0;
    double three = 0;
    double four = 0;
    int column = 0;
    for (; column + 3 < columns; column += 4) {
      one += elements[from + column] * vector[column];
      two += elements[from + column + 1] * vector[column + 1];
      three += elements[from + column + 2] * vector[column + 2];
      four += elements[from + column + 3] * vector[column + 3];
    }
    for (; column < columns; column++) {
      one += elements[from + column] * vector[column];
    }
    return one + two + (three + four);
  }
}
