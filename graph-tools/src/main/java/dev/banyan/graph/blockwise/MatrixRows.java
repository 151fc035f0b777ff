package dev.banyan.graph.blockwise;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The rows {@code [out, in]} of a linear layer's float weight, whichever way it lies. A few rows
 * are on the heap at a time.
 */
public final class MatrixRows {
  private final Tensor weight;
  private final boolean turned;

  private MatrixRows(Tensor weight, boolean turned) {
    if (weight.type() != DType.FLOAT || weight.shape().rank() != 2) {
      throw new IllegalArgumentException(
          "'%s' is %s%s, no matrix of floats"
              .formatted(weight.name(), weight.type(), weight.shape()));
    }
    this.weight = weight;
    this.turned = turned;
  }

  /** Does something with a row. */
  @FunctionalInterface
  public interface Reader {
    /**
     * Looks at a row.
     *
     * @param row its number
     * @param values its numbers; the array is used again for another row
     */
    void read(long row, float[] values);
  }

  /** The rows of a matrix as they are. */
  public static MatrixRows of(Tensor matrix) {
    return new MatrixRows(matrix, false);
  }

  /** The columns of a matrix. */
  public static MatrixRows columnsOf(Tensor matrix) {
    return new MatrixRows(matrix, true);
  }

  /** Number of rows. */
  public long rows() {
    return weight.shape().dim(turned ? 1 : 0);
  }

  /** Number of columns. */
  public int columns() {
    return Math.toIntExact(weight.shape().dim(turned ? 0 : 1));
  }

  /** The size {@code [rows, columns]}. */
  public Shape shape() {
    return Shape.of(rows(), columns());
  }

  /** Goes through all rows in their order. */
  public void each(Reader reader) {
    int strip = BlockMatrix.STRIP;
    float[][] values = new float[strip][columns()];
    for (long first = 0; first < rows(); first += strip) {
      int count = (int) Math.min(strip, rows() - first);
      read(first, count, values);
      for (int i = 0; i < count; i++) {
        reader.read(first + i, values[i]);
      }
    }
  }

  private void read(long first, int count, float[][] into) {
    MemorySegment data = weight.data();
    if (!turned) {
      for (int i = 0; i < count; i++) {
        long from = (first + i) * columns() * Float.BYTES;
        MemorySegment.copy(data, BlockMatrix.FLOATS, from, into[i], 0, columns());
      }
      return;
    }
    float[] line = new float[count];
    for (int column = 0; column < columns(); column++) {
      long from = (column * rows() + first) * Float.BYTES;
      MemorySegment.copy(data, BlockMatrix.FLOATS, from, line, 0, count);
      for (int i = 0; i < count; i++) {
        into[i][column] = line[i];
      }
    }
  }
}
