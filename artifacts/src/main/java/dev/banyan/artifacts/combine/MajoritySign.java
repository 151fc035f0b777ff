package dev.banyan.artifacts.combine;

import java.util.List;

/** How TIES elects the sign of an element, over the adapters' elements without their weights. */
public enum MajoritySign {
  /** That of their sum. */
  TOTAL,
  /** That which more of them have. */
  FREQUENCY;

  /**
   * For each element the sum of the weighted values of the elected sign, divided by their number;
   * zero where there is none. A tie elects plus.
   */
  double[] meanOfElected(List<MixRule.Weighted> tensors) {
    double[] mean = new double[tensors.getFirst().values().length];
    for (int i = 0; i < mean.length; i++) {
      double votes = 0;
      for (MixRule.Weighted tensor : tensors) {
        votes += vote(tensor.values()[i]);
      }
      double elected = votes >= 0 ? 1 : -1;
      double sum = 0;
      int voters = 0;
      for (MixRule.Weighted tensor : tensors) {
        double value = tensor.values()[i];
        if (Math.signum(value) == elected) {
          sum += tensor.weight() * value;
          voters++;
        }
      }
      mean[i] = sum / Math.max(1, voters);
    }
    return mean;
  }

  private double vote(double value) {
    return switch (this) {
      case TOTAL -> value;
      case FREQUENCY -> Math.signum(value);
    };
  }
}
