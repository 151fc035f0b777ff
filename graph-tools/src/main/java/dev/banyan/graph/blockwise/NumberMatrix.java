package dev.banyan.graph.blockwise;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
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
public record NumberMatrix(Tensor packed, Tensor scales, Optional<Tensor> zeroPoints, Layout layout)
    implements BlockMatrix {
  /**
   * Sizes.
   *
   * @param rows number of rows
   * @param width elements of a row, without what fills the last block
   * @param bits of a number
   * @param block elements of a block
   */
  public record Layout(long rows, long width, int bits, long block) {
    /** Blocks of a row. */
    public long blocks() {
      return Math.ceilDiv(width, block);
    }

    /** Bytes of a row's zero points. */
    long zeroPointBytes() {
      return Math.ceilDiv(blocks() * bits, Byte.SIZE);
    }
  }

  @Override
  public long rows() {
    return layout.rows();
  }

  @Override
  public int columns() {
    return Math.toIntExact(layout.width());
  }

  @Override
  public void read(long row, float[] into) {
    long stride = layout.blocks() * layout.block();
    for (int column = 0; column < into.length; column++) {
      float zero = zeroPoint(row, column / layout.block());
      into[column] = (number(packed, row * stride + column) - zero) * scale(row, column);
    }
  }

  /** Without zero points the range is not the same on both sides of zero, so an end is cut off. */
  @Override
  public double tolerance(long row, int column) {
    double scale = Math.abs(scale(row, column));
    return zeroPoints.isPresent() ? scale / 2 : scale;
  }

  private float scale(long row, int column) {
    return scales.data().getAtIndex(FLOATS, row * layout.blocks() + column / layout.block());
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
    return number(tensor, row * layout.zeroPointBytes() * perByte + block);
  }

  @Override
  public NumberFormat format() {
    return new NumberFormat(layout.bits(), Math.toIntExact(layout.block()), zeroPoints.isPresent());
  }

  @Override
  public List<Tensor> tensors() {
    List<Tensor> tensors = new ArrayList<>(List.of(packed, scales));
    zeroPoints.ifPresent(tensors::add);
    return tensors;
  }
}
