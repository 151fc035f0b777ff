package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Value;
import java.util.stream.IntStream;

/**
 * Carries a gradient back through an operator that works along each axis on its own, given what it
 * does along one axis as a matrix.
 */
final class AxisMap {
  private AxisMap() {}

  /**
   * Carries a gradient back along one axis.
   *
   * @param matrix {@code [input, output]}: what each element of the input's axis gives to each
   *     element of the output's
   * @param rank number of axes of the gradient
   */
  static Value back(GradientContext c, Value gradient, Value matrix, int axis, int rank) {
    if (axis == rank - 2) {
      return c.op("MatMul", matrix, gradient);
    }
    int[] lastSwapped = IntStream.range(0, rank).toArray();
    lastSwapped[axis] = rank - 1;
    lastSwapped[rank - 1] = axis;
    Value turned = c.transpose(gradient, lastSwapped);
    return c.transpose(c.op("MatMul", turned, c.swapLast(matrix, 2)), lastSwapped);
  }
}
