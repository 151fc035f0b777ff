package dev.banyan.graph.blockwise;

import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * A matrix of 4-bit codes, each block of consecutive elements with the greatest magnitude that its
 * codes are fractions of. The first of two codes lies in a byte's high bits. This is how {@code
 * MatMulBnb4} and bitsandbytes store {@code [out, in]}.
 *
 * @param packed the codes
 * @param magnitudes a float for each block
 * @param layout sizes
 */
public record CodeMatrix(Tensor packed, Tensor magnitudes, Layout layout) implements BlockMatrix {
  /**
   * Sizes.
   *
   * @param rows number of rows
   * @param columns number of columns
   * @param block elements of a block, which may span rows
   * @param codes the table
   */
  public record Layout(long rows, long columns, long block, Bnb4Codes codes) {
    /** Number of blocks; the last one may be cut off. */
    public long blocks() {
      return Math.ceilDiv(rows * columns, block);
    }
  }

  /** The same with magnitudes of 8 bits. */
  public CodeMatrix with(SmallMagnitudes small) {
    return new CodeMatrix(packed, small.restored(), layout);
  }

  @Override
  public long rows() {
    return layout.rows();
  }

  @Override
  public int columns() {
    return Math.toIntExact(layout.columns());
  }

  @Override
  public void read(long row, float[] into) {
    float[] fractions = layout.codes().fractions();
    for (int column = 0; column < into.length; column++) {
      long index = row * layout.columns() + column;
      int octet = packed.data().get(ValueLayout.JAVA_BYTE, index / 2) & 0xff;
      int code = index % 2 == 0 ? octet >> 4 : octet & 15;
      into[column] = fractions[code] * magnitude(index);
    }
  }

  @Override
  public double tolerance(long row, int column) {
    return layout.codes().widestGap() / 2 * magnitude(row * layout.columns() + column);
  }

  private float magnitude(long index) {
    return magnitudes.data().getAtIndex(FLOATS, index / layout.block());
  }

  @Override
  public CodeFormat format() {
    return new CodeFormat(layout.codes(), Math.toIntExact(layout.block()));
  }

  @Override
  public List<Tensor> tensors() {
    return List.of(packed, magnitudes);
  }
}
