package dev.banyan.graph.blockwise;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * Whole numbers with a scale for each block of a row.
 *
 * @param bits of a number, 4 or 8
 * @param block elements of a block
 * @param zeroPoints true if each block says which number is zero, so that its range may lie on one
 *     side; else the middle is
 */
public record NumberFormat(int bits, int block, boolean zeroPoints) implements BlockFormat {
  @Override
  public NumberMatrix quantize(String name, MatrixRows rows, SegmentAllocator allocator) {
    var layout = new NumberMatrix.Layout(rows.rows(), rows.columns(), bits, block);
    long blockBytes = (long) block * bits / Byte.SIZE;
    Shape blocks = Shape.of(rows.rows(), layout.blocks());
    Tensor packed =
        zeros(name, DType.UINT8, Shape.of(rows.rows(), layout.blocks(), blockBytes), allocator);
    Tensor scales = zeros(name + "/scales", DType.FLOAT, blocks, allocator);
    Optional<Tensor> zeros =
        Optional.of(Shape.of(rows.rows(), layout.zeroPointBytes()))
            .filter(shape -> zeroPoints)
            .map(shape -> zeros(name + "/zero_points", DType.UINT8, shape, allocator));
    NumberMatrix result = new NumberMatrix(packed, scales, zeros, layout);
    rows.each((row, values) -> store(result, row, values));
    return result;
  }

  private static Tensor zeros(String name, DType type, Shape shape, SegmentAllocator allocator) {
    long bytes = type.bytes(shape.elements());
    return new Tensor(name, type, shape, allocator.allocate(bytes, Long.BYTES).fill((byte) 0));
  }

  private void store(NumberMatrix result, long row, float[] values) {
    long blocks = result.layout().blocks();
    for (int i = 0; i < blocks; i++) {
      int from = i * block;
      float[] own = Arrays.copyOfRange(values, from, Math.min(from + block, values.length));
      BlockScale scale =
          zeroPoints ? BlockScale.withZeroPoint(own, bits) : BlockScale.symmetric(own, bits);
      result.scales().data().setAtIndex(BlockMatrix.FLOATS, row * blocks + i, scale.step());
      for (int j = 0; j < own.length; j++) {
        put(result.packed(), row * blocks * block + from + j, scale.number(own[j]));
      }
      if (zeroPoints) {
        long perRow = result.layout().zeroPointBytes() * Byte.SIZE / bits;
        put(result.zeroPoints().orElseThrow(), row * perRow + i, scale.zero());
      }
    }
  }

  private void put(Tensor tensor, long index, int number) {
    long bit = index * bits;
    int octet = tensor.data().get(ValueLayout.JAVA_BYTE, bit / Byte.SIZE);
    octet |= number << (bit % Byte.SIZE);
    tensor.data().set(ValueLayout.JAVA_BYTE, bit / Byte.SIZE, (byte) octet);
  }
}
