package dev.banyan.runtime.tally;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** How far two lists of numbers go together. */
final class Correlation {
  private Correlation() {}

  /**
   * Pearson's correlation; 0 where one of the lists has only one value, which goes with nothing.
   */
  static double pearson(List<Double> a, List<Double> b) {
    double meanA = mean(a);
    double meanB = mean(b);
    double product = 0;
    double squaresA = 0;
    double squaresB = 0;
    for (int i = 0; i < a.size(); i++) {
      double fromA = a.get(i) - meanA;
      double fromB = b.get(i) - meanB;
      product += fromA * fromB;
      squaresA += fromA * fromA;
      squaresB += fromB * fromB;
    }
    double scale = Math.sqrt(squaresA) * Math.sqrt(squaresB);
    return scale > 0 ? product / scale : 0;
  }

  /** Pearson's correlation of the ranks. */
  static double spearman(List<Double> a, List<Double> b) {
    return pearson(ranks(a), ranks(b));
  }

  /** The rank of each value from 1; equal ones share the mean of their ranks. */
  private static List<Double> ranks(List<Double> values) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, values.size()).boxed().toList());
    order.sort(Comparator.comparingDouble(values::get));
    List<Double> ranks = new ArrayList<>(Collections.nCopies(values.size(), 0.0));
    int first = 0;
    while (first < order.size()) {
      int end = first + 1;
      while (end < order.size()
          && values.get(order.get(end)).equals(values.get(order.get(first)))) {
        end++;
      }
      for (int i = first; i < end; i++) {
        ranks.set(order.get(i), (first + 1 + end) / 2.0);
      }
      first = end;
    }
    return ranks;
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElse(0);
  }
}
