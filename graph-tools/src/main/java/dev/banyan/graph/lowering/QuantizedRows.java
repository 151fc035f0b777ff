package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * A matrix of small whole numbers with a scale, and perhaps a zero point, for each block of a row:
 * {@code (number - zero point) * scale}. Numbers lie in bytes from the low bits up; a row begins a
 * new byte. This is how {@code MatMulNBits} and {@code GatherBlockQuantized} store weights.
 *
 * @param packed the numbers, row by row, rows being whole blocks
 * @param scales a float for each block
 * @param zeroPoints packed like the numbers, or a float for each block; without them the middle of
 *     the range is zero
 * @param layout sizes
 */
record QuantizedRows(Tensor packed, Tensor scales, Optional<Tensor> zeroPoints, Layout layout) {
  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Rows that are turned at once: what they fill of a column is a cache line or more. */
  private static final int STRIP = 64;

  /**
   * Sizes.
   *
   * @param rows number of rows
   * @param columns elements of a row, without what fills the last block
   * @param bits of a number
   * @param block elements of a block
   */
  record Layout(long rows, long columns, int bits, long block) {
    long blocks() {
      return Math.ceilDiv(columns, block);
    }
  }

  /** The matrix {@code [rows, columns]} in float. */
  Tensor dequantized(String name) {
    Tensor result =
        ScratchTensors.zeros(name, DType.FLOAT, Shape.of(layout.rows(), layout.columns()));
    float[] row = new float[Math.toIntExact(layout.columns())];
    for (long i = 0; i < layout.rows(); i++) {
      read(i, row);
      MemorySegment.copy(
          row, 0, result.data(), FLOATS, i * layout.columns() * Float.BYTES, row.length);
    }
    return result;
  }

  /** The matrix turned, {@code [columns, rows]}, in float. */
  Tensor dequantizedTransposed(String name) {
    Tensor result =
        ScratchTensors.zeros(name, DType.FLOAT, Shape.of(layout.columns(), layout.rows()));
    float[][] strip = new float[STRIP][Math.toIntExact(layout.columns())];
    float[] column = new float[STRIP];
    for (long first = 0; first < layout.rows(); first += STRIP) {
      int count = (int) Math.min(STRIP, layout.rows() - first);
      for (int i = 0; i < count; i++) {
        read(first + i, strip[i]);
      }
      for (int j = 0; j < layout.columns(); j++) {
        for (int i = 0; i < count; i++) {
          column[i] = strip[i][j];
        }
        MemorySegment.copy(
            column, 0, result.data(), FLOATS, (j * layout.rows() + first) * Float.BYTES, count);
      }
    }
    return result;
  }

  private void read(long row, float[] into) {
    long stride = layout.blocks() * layout.block();
    for (int column = 0; column < into.length; column++) {
      long block = row * layout.blocks() + column / layout.block();
      float zero = zeroPoint(row, column / layout.block());
      float scale = scales.data().getAtIndex(FLOATS, block);
      into[column] = (number(packed, row * stride + column) - zero) * scale;
    }
  }

  private int number(Tensor tensor, long index) {
    long bit = index * layout.bits();
    int octet = tensor.data().get(ValueLayout.JAVA_BYTE, bit / 8) & 0xff;
    return (octet >> (bit % 8)) & ((1 << layout.bits()) - 1);
  }

  private float zeroPoint(long row, long block) {
    if (zeroPoints.isEmpty()) {
      return 1 << (layout.bits() - 1);
    }
    Tensor tensor = zeroPoints.get();
    if (tensor.type() == DType.FLOAT) {
      return tensor.data().getAtIndex(FLOATS, row * layout.blocks() + block);
    }
    long perByte = 8 / layout.bits();
    long numbersOfRow = Math.ceilDiv(layout.blocks(), perByte) * perByte;
    return number(tensor, row * numbersOfRow + block);
  }
}
