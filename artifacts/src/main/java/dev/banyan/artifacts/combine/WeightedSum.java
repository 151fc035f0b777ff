package dev.banyan.artifacts.combine;

import java.util.List;

/** The sum of the tensors times their weights ("task arithmetic", Ilharco and others, 2023). */
record WeightedSum() implements MixRule {
  @Override
  public double[] mix(List<Weighted> tensors, RandomMasks masks) {
    double[] sum = new double[tensors.getFirst().values().length];
    for (Weighted tensor : tensors) {
      double[] values = tensor.values();
      for (int i = 0; i < sum.length; i++) {
        sum[i] += tensor.weight() * values[i];
      }
    }
    return sum;
  }
}
