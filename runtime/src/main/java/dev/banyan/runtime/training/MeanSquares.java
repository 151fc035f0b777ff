package dev.banyan.runtime.training;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * The mean over batches of the squares of gradients: an estimate of the diagonal of the Fisher
 * information (Sung et al., 2021, arXiv:2111.09839, section 3.1, with a batch for an example).
 */
final class MeanSquares {
  private final List<String> names;
  private final Map<String, double[]> sums = new TreeMap<>();
  private int batches;

  /** Of these parameters. */
  MeanSquares(List<String> names) {
    this.names = List.copyOf(names);
  }

  /** Takes the gradients of one more batch, of these parameters and perhaps of others. */
  void add(Map<String, float[]> gradients) {
    batches++;
    for (String name : names) {
      float[] gradient = Objects.requireNonNull(gradients.get(name), name);
      double[] sum = sums.computeIfAbsent(name, _ -> new double[gradient.length]);
      for (int i = 0; i < gradient.length; i++) {
        sum[i] += (double) gradient[i] * gradient[i];
      }
    }
  }

  /** The mean of the squares of a parameter's gradients. */
  float[] of(String name) {
    double[] sum = Objects.requireNonNull(sums.get(name), name);
    float[] means = new float[sum.length];
    for (int i = 0; i < means.length; i++) {
      means[i] = (float) (sum[i] / batches);
    }
    return means;
  }
}
