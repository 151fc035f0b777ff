package dev.banyan.artifacts.tensor;

import java.util.Arrays;
import java.util.List;

/**
 * Known dimensions of a tensor, outermost first; no dimension means a scalar.
 *
 * @param dims every dimension, none negative
 */
public record Shape(List<Long> dims) {
  /** The shape of a scalar. */
  public static final Shape SCALAR = new Shape(List.of());

  /**
   * Copies the dimensions.
   *
   * @throws IllegalArgumentException if a dimension is negative
   */
  public Shape {
    dims = List.copyOf(dims);
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException("A dimension is negative: " + dims);
      }
    }
  }

  /** A shape of these dimensions. */
  public static Shape of(long... dims) {
    return new Shape(Arrays.stream(dims).boxed().toList());
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.size();
  }

  /** The dimension at this axis; negative axes count from the end. */
  public long dim(int axis) {
    return dims.get(axis < 0 ? axis + dims.size() : axis);
  }

  /**
   * Number of elements.
   *
   * @throws ArithmeticException if it does not fit in 63 bits, which only a damaged file asks for
   */
  public long elements() {
    long product = 1;
    for (long dim : dims) {
      product = Math.multiplyExact(product, dim);
    }
    return product;
  }

  /** The dimensions as a fresh array. */
  public long[] toArray() {
    return dims.stream().mapToLong(Long::longValue).toArray();
  }

  @Override
  public String toString() {
    return dims.toString();
  }
}
