package dev.banyan.artifacts.combine;

import java.util.Arrays;
import java.util.List;

/** Leaves out elements of tensors. */
final class Sparsity {
  private Sparsity() {}

  static void require(double density) {
    if (!(density > 0 && density <= 1)) {
      throw new IllegalArgumentException(
          "density is %s; expected above 0 and at most 1".formatted(density));
    }
  }

  /** Each with its largest elements by magnitude, and zeros. */
  static List<MixRule.Weighted> largest(List<MixRule.Weighted> tensors, double density) {
    return density == 1
        ? tensors
        : tensors.stream().map(tensor -> tensor.with(largest(tensor.values(), density))).toList();
  }

  /** Of equal ones at the edge those with the lower index stay. */
  private static double[] largest(double[] values, double density) {
    int count = (int) (density * values.length);
    double[] result = new double[values.length];
    if (count == 0) {
      return result;
    }
    double[] sorted = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      sorted[i] = Math.abs(values[i]);
    }
    Arrays.sort(sorted);
    double edge = sorted[values.length - count];
    int atEdge = count;
    for (int i = values.length - 1; i >= 0 && sorted[i] > edge; i--) {
      atEdge--;
    }
    for (int i = 0; i < values.length; i++) {
      double magnitude = Math.abs(values[i]);
      if (magnitude > edge || (magnitude == edge && atEdge-- > 0)) {
        result[i] = values[i];
      }
    }
    return result;
  }

  /** Each with elements dropped at random, the others divided by the density. */
  static List<MixRule.Weighted> random(
      List<MixRule.Weighted> tensors, double density, RandomMasks masks) {
    return density == 1
        ? tensors
        : tensors.stream()
            .map(
                tensor -> {
                  double[] values = tensor.values();
                  return tensor.with(
                      thinned(values, masks.kept(tensor.place(), values.length, density), density));
                })
            .toList();
  }

  private static double[] thinned(double[] values, boolean[] kept, double density) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = kept[i] ? values[i] / density : 0;
    }
    return result;
  }
}
