package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** The product of two thin matrices. */
final class LowRankProduct {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final float[] left;
  private final float[] right;
  private final int rank;
  private final int columns;

  /**
   * The product of two float tensors. What of a convolution has more axes is a matrix here: the
   * axes behind the first are one.
   *
   * @param left {@code [rows, rank]}
   * @param right {@code [rank, columns]}
   */
  LowRankProduct(Tensor left, Tensor right) {
    this.left = left.floats();
    this.right = right.floats();
    this.rank = Math.toIntExact(left.shape().dim(1));
    this.columns = Math.toIntExact(right.shape().elements() / right.shape().dim(0));
  }

  /** An element of the product. */
  double at(int row, int column) {
    double sum = 0;
    for (int k = 0; k < rank; k++) {
      sum += (double) left[row * rank + k] * right[k * columns + column];
    }
    return sum;
  }

  /**
   * The sum of a matrix and this product times a factor, summed up in double precision and rounded
   * once. One row at a time is on the heap.
   *
   * @param matrix float {@code [rows, columns]}
   */
  Tensor addedTo(Tensor matrix, double factor, SegmentAllocator allocator) {
    MemorySegment result = allocator.allocate(matrix.data().byteSize(), Float.BYTES);
    double[] sums = new double[columns];
    long rows = matrix.shape().dim(0);
    for (int row = 0; row < rows; row++) {
      Arrays.fill(sums, 0);
      for (int k = 0; k < rank; k++) {
        double one = left[row * rank + k];
        for (int column = 0; column < columns; column++) {
          sums[column] += one * right[k * columns + column];
        }
      }
      for (int column = 0; column < columns; column++) {
        long at = (long) row * columns + column;
        float own = matrix.data().getAtIndex(FLOAT, at);
        result.setAtIndex(FLOAT, at, (float) (own + factor * sums[column]));
      }
    }
    return new Tensor(matrix.name(), DType.FLOAT, matrix.shape(), result);
  }
}
