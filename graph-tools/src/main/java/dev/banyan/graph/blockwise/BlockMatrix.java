package dev.banyan.graph.blockwise;

import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A matrix {@code [rows, columns]} whose numbers are stored in few bits, in blocks that share a
 * scale. The weight of a linear layer is stored with a row for each of its outputs.
 */
public sealed interface BlockMatrix permits CodeMatrix, NumberMatrix {
  /** How floats lie in a tensor. */
  ValueLayout.OfFloat FLOATS = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Rows that are turned at once: what they fill of a column is a cache line or more. */
  int STRIP = 64;

  /** Number of rows. */
  long rows();

  /** Number of columns, without what fills up the last block of a row. */
  int columns();

  /** What a row's numbers stand for. */
  void read(long row, float[] into);

  /**
   * How far what a block stores may lie from the number that was rounded to it: half of the
   * greatest step between two neighbours, or a whole one where an end of the range is cut off.
   */
  double tolerance(long row, int column);

  /** How it is stored, so that another one can be stored alike. */
  BlockFormat format();

  /** What is stored, as the operator takes it: numbers, scales, and perhaps zero points. */
  List<Tensor> tensors();

  /** Number of bytes of what is stored. */
  default long bytes() {
    return tensors().stream().mapToLong(tensor -> tensor.data().byteSize()).sum();
  }

  /**
   * Fills a float tensor {@code [rows, columns]}.
   *
   * @return the tensor
   */
  default Tensor fill(Tensor target) {
    float[] row = new float[columns()];
    for (long i = 0; i < rows(); i++) {
      read(i, row);
      MemorySegment.copy(row, 0, target.data(), FLOATS, i * columns() * Float.BYTES, row.length);
    }
    return target;
  }

  /**
   * Fills a float tensor {@code [columns, rows]}.
   *
   * @return the tensor
   */
  default Tensor fillTransposed(Tensor target) {
    float[][] strip = new float[STRIP][columns()];
    float[] column = new float[STRIP];
    for (long first = 0; first < rows(); first += STRIP) {
      int count = (int) Math.min(STRIP, rows() - first);
      for (int i = 0; i < count; i++) {
        read(first + i, strip[i]);
      }
      for (int j = 0; j < columns(); j++) {
        for (int i = 0; i < count; i++) {
          column[i] = strip[i][j];
        }
        MemorySegment.copy(
            column, 0, target.data(), FLOATS, (j * rows() + first) * Float.BYTES, count);
      }
    }
    return target;
  }
}
