package dev.banyan.graph.precision;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.lowering.ScratchTensors;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Weights in 16 bits, without a copy on the heap. */
final class NarrowWeight {
  /** The greatest number of 16 bits with an exponent of 5. */
  private static final float LARGEST = 65504;

  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Elements that are narrowed at once. */
  private static final int STRIP = 1 << 16;

  private NarrowWeight() {}

  /** Each element rounded to the nearest. */
  static Tensor of(Tensor weight, DType half) {
    Tensor result = ScratchTensors.zeros(weight.name(), half, weight.shape());
    long count = weight.shape().elements();
    for (long from = 0; from < count; from += STRIP) {
      int strip = (int) Math.min(STRIP, count - from);
      float[] values = new float[strip];
      MemorySegment.copy(weight.data(), FLOATS, from * Float.BYTES, values, 0, strip);
      Tensor narrow = Tensor.ofFloats("strip", Shape.of(strip), values).narrowed(half);
      MemorySegment.copy(
          narrow.data(), 0, result.data(), from * Short.BYTES, narrow.data().byteSize());
    }
    return result;
  }

  /** Whether no element becomes infinite. */
  static boolean fits(Tensor weight, DType half) {
    if (half == DType.BFLOAT16) {
      return true;
    }
    for (long i = 0; i < weight.shape().elements(); i++) {
      if (!(Math.abs(weight.data().getAtIndex(FLOATS, i)) <= LARGEST)) {
        return false;
      }
    }
    return true;
  }
}
