package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Node;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Numbers of 4 or 8 bits of any shape, with one scale, one for each slice of an axis, or one for
 * each block of slices: {@code (number - zero point) * scale}. This is how {@code DequantizeLinear}
 * has weights.
 *
 * @param numbers the numbers
 * @param scales floats: one, one for each slice of the axis, or shaped like the numbers with as
 *     many along the axis as there are blocks
 * @param zeroPoints one for each scale; without them zero is zero
 * @param axis that slices are counted along
 * @param block slices that share a scale; 0 if there are no blocks
 */
record ScaledNumbers(
    Tensor numbers, Tensor scales, Optional<Tensor> zeroPoints, int axis, long block) {
  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** What a {@code DequantizeLinear} of constants has. */
  static ScaledNumbers of(Node node) {
    Tensor numbers = node.input(0).constant().orElseThrow();
    long axis = node.intAttribute("axis", 1);
    return new ScaledNumbers(
        numbers,
        node.input(1).constant().orElseThrow(),
        node.input(2).constant(),
        (int) (axis < 0 ? axis + numbers.shape().rank() : axis),
        node.intAttribute("block_size", 0));
  }

  /** All of them as floats. */
  Tensor dequantized() {
    Tensor result =
        ScratchTensors.zeros(numbers.name() + "/dequantized", DType.FLOAT, numbers.shape());
    for (long i = 0; i < numbers.shape().elements(); i++) {
      long place = place(i);
      float value = (numbers.smallNumber(i) - zeroPoint(place)) * scale(place);
      result.data().setAtIndex(FLOATS, i, value);
    }
    return result;
  }

  /** The scale at a place. */
  float scale(long place) {
    return scales.data().getAtIndex(FLOATS, place);
  }

  /** The number that stands for zero at a place. */
  int zeroPoint(long place) {
    return zeroPoints.map(zeros -> zeros.smallNumber(place)).orElse(0);
  }

  /** The place of an element's scale. */
  long place(long element) {
    if (scales.shape().elements() == 1) {
      return 0;
    }
    long inner = 1;
    for (int i = axis + 1; i < numbers.shape().rank(); i++) {
      inner *= numbers.shape().dim(i);
    }
    long size = numbers.shape().dim(axis);
    long slice = element / inner % size;
    if (block == 0) {
      return slice;
    }
    long blocks = Math.ceilDiv(size, block);
    return (element / inner / size * blocks + slice / block) * inner + element % inner;
  }
}
