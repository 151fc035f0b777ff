package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Dim;
import java.util.ArrayList;
import java.util.List;

/**
 * Over which axes a gradient must be summed because the forward operator repeated its input along
 * them, decided from dimensions alone.
 *
 * @param leading number of axes that the input does not have
 * @param ones axes of the output along which the input has size 1
 * @param undecided axes of the output along which the input has size 1 or the output's size, which
 *     only the run can tell
 */
record Broadcast(int leading, List<Integer> ones, List<Integer> undecided) {
  /**
   * Compares an input with the output it was broadcast to.
   *
   * @param input dimensions of the input
   * @param others dimensions of the operator's other inputs
   * @param output dimensions of the output
   */
  static Broadcast of(List<Dim> input, List<List<Dim>> others, List<Dim> output) {
    int leading = output.size() - input.size();
    List<Integer> ones = new ArrayList<>();
    List<Integer> undecided = new ArrayList<>();
    for (int axis = leading; axis < output.size(); axis++) {
      Dim from = input.get(axis - leading);
      Dim to = output.get(axis);
      if (from.isKnownToBe(1) && !to.isKnownToBe(1)) {
        ones.add(axis);
      } else if (!from.isKnownToBe(1) && mayBeOne(from, to, alongAxis(others, output, axis))) {
        undecided.add(axis);
      }
    }
    return new Broadcast(leading, ones, undecided);
  }

  /** True if the gradient has the input's shape as it is. */
  boolean isNone() {
    return leading == 0 && ones.isEmpty() && undecided.isEmpty();
  }

  /** The axes to sum over whatever the run tells about {@link #undecided} ones. */
  List<Integer> axes() {
    List<Integer> axes = new ArrayList<>();
    for (int axis = 0; axis < leading; axis++) {
      axes.add(axis);
    }
    axes.addAll(ones);
    return axes;
  }

  /**
   * A known dimension other than 1 is never broadcast. Neither is one that meets no other: then the
   * output has its size. An equal name at the same axis is taken for an equal size; that two axes
   * of one tensor may wrongly share a name does no harm here, as they never meet.
   */
  private static boolean mayBeOne(Dim from, Dim to, List<Dim> others) {
    return switch (from) {
      case Dim.Known known -> false;
      case Dim.Symbolic symbolic -> !from.equals(to) && !allOnes(others);
      case Dim.Unknown unknown -> !allOnes(others);
    };
  }

  private static boolean allOnes(List<Dim> dims) {
    return dims.stream().allMatch(dim -> dim.isKnownToBe(1));
  }

  private static List<Dim> alongAxis(List<List<Dim>> others, List<Dim> output, int axis) {
    List<Dim> dims = new ArrayList<>();
    for (List<Dim> other : others) {
      int own = axis - (output.size() - other.size());
      if (own >= 0) {
        dims.add(other.get(own));
      }
    }
    return dims;
  }
}
