package dev.banyan.benchmarks;

import java.util.ArrayList;
import java.util.List;

/** Times of one thing, taken again and again. */
final class Samples {
  private final List<Double> times = new ArrayList<>();

  /** Something to time; what it computes is of no interest. */
  @FunctionalInterface
  interface Timed {
    void run();
  }

  /** Runs it once and keeps the time in milliseconds. */
  void time(Timed timed) {
    long start = System.nanoTime();
    timed.run();
    add((System.nanoTime() - start) / 1e6);
  }

  /** Keeps a time that was taken elsewhere, in whatever unit this one's others are. */
  void add(double time) {
    times.add(time);
  }

  double median() {
    return quantile(0.5);
  }

  /** The smallest time. */
  double best() {
    return quantile(0);
  }

  /** Linear between neighbours, as NumPy and R do by default. */
  double quantile(double share) {
    List<Double> sorted = times.stream().sorted().toList();
    double position = share * (sorted.size() - 1);
    int below = (int) position;
    int above = Math.min(below + 1, sorted.size() - 1);
    return sorted.get(below) + (position - below) * (sorted.get(above) - sorted.get(below));
  }

  /** The middle half, for a table. */
  String quartiles() {
    return "%.2f - %.2f".formatted(quantile(0.25), quantile(0.75));
  }

  /**
   * What each of these times is of another's that was taken in the same round: what slows a whole
   * round down, such as a busy machine, does not count.
   */
  Samples over(Samples base) {
    Samples ratios = new Samples();
    for (int i = 0; i < times.size(); i++) {
      ratios.add(times.get(i) / base.times.get(i));
    }
    return ratios;
  }
}
