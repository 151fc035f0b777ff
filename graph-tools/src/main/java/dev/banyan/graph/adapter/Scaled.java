package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A matrix, or a vector as one row, that is to be scaled.
 *
 * @param tensor float
 * @param byColumn whether each column has a factor, not each row
 */
record Scaled(Tensor tensor, boolean byColumn) {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Multiplies in double precision. */
  Tensor by(float[] factors, SegmentAllocator allocator) {
    MemorySegment result = allocator.allocate(tensor.data().byteSize(), Float.BYTES);
    int columns = Math.toIntExact(tensor.shape().dim(-1));
    long elements = tensor.shape().elements();
    for (long at = 0; at < elements; at++) {
      double factor = factors[Math.toIntExact(byColumn ? at % columns : at / columns)];
      float value = tensor.data().getAtIndex(FLOAT, at);
      result.setAtIndex(FLOAT, at, (float) (value * factor));
    }
    return new Tensor(tensor.name(), DType.FLOAT, tensor.shape(), result);
  }
}
