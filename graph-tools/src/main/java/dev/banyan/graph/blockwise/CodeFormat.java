package dev.banyan.graph.blockwise;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * Codes of a table, each the nearest to its number; blocks may span rows, as bitsandbytes has it.
 *
 * @param codes the table
 * @param block elements of a block
 */
public record CodeFormat(Bnb4Codes codes, int block) implements BlockFormat {
  @Override
  public CodeMatrix quantize(String name, MatrixRows rows, SegmentAllocator allocator) {
    var layout = new CodeMatrix.Layout(rows.rows(), rows.columns(), block, codes);
    long bytes = Math.ceilDiv(rows.shape().elements(), 2);
    Tensor packed =
        new Tensor(name, DType.UINT8, Shape.of(bytes), allocator.allocate(bytes).fill((byte) 0));
    Tensor magnitudes =
        new Tensor(
            name + "/magnitudes",
            DType.FLOAT,
            Shape.of(layout.blocks()),
            allocator.allocate(layout.blocks() * Float.BYTES));
    Stream stream = new Stream(packed, magnitudes);
    rows.each((row, values) -> stream.add(values));
    stream.endBlock();
    return new CodeMatrix(packed, magnitudes, layout);
  }

  /** Takes numbers one after the other and stores block by block. */
  private final class Stream {
    private final Tensor packed;
    private final Tensor magnitudes;
    private final float[] values = new float[block];
    private int count;
    private long blocks;

    Stream(Tensor packed, Tensor magnitudes) {
      this.packed = packed;
      this.magnitudes = magnitudes;
    }

    void add(float[] row) {
      for (float value : row) {
        values[count++] = value;
        if (count == block) {
          endBlock();
        }
      }
    }

    void endBlock() {
      if (count == 0) {
        return;
      }
      float greatest = 0;
      for (int i = 0; i < count; i++) {
        greatest = Math.max(greatest, Math.abs(values[i]));
      }
      magnitudes.data().setAtIndex(BlockMatrix.FLOATS, blocks, greatest);
      for (int i = 0; i < count; i++) {
        put(blocks * block + i, codes.nearest(greatest == 0 ? 0 : (double) values[i] / greatest));
      }
      blocks++;
      count = 0;
    }

    private void put(long index, int code) {
      int octet = packed.data().get(ValueLayout.JAVA_BYTE, index / 2);
      octet |= index % 2 == 0 ? code << 4 : code;
      packed.data().set(ValueLayout.JAVA_BYTE, index / 2, (byte) octet);
    }
  }
}
