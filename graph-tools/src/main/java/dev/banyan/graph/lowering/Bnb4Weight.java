package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.autodiff.Bnb4Codes;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A matrix of 4-bit codes, each block of consecutive elements with the greatest magnitude that its
 * codes are fractions of. The first of two codes lies in a byte's high bits. This is how {@code
 * MatMulBnb4} stores {@code [out, in]}.
 *
 * @param packed the codes
 * @param magnitudes a float for each block
 * @param block elements of a block, which may span rows
 * @param quantType 0 for FP4, 1 for NF4
 */
record Bnb4Weight(Tensor packed, Tensor magnitudes, long block, long quantType) {
  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The matrix turned, {@code [in, out]}, in float. */
  Tensor dequantizedTransposed(String name, long out, long in) {
    float[] fractions = Bnb4Codes.fractions(quantType);
    Tensor result = ScratchTensors.zeros(name, DType.FLOAT, Shape.of(in, out));
    for (long row = 0; row < out; row++) {
      for (long column = 0; column < in; column++) {
        long index = row * in + column;
        int octet = packed.data().get(ValueLayout.JAVA_BYTE, index / 2) & 0xff;
        int code = index % 2 == 0 ? octet >> 4 : octet & 15;
        float value = fractions[code] * magnitudes.data().getAtIndex(FLOATS, index / block);
        result.data().setAtIndex(FLOATS, column * out + row, value);
      }
    }
    return result;
  }
}
