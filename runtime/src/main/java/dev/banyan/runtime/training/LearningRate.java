package dev.banyan.runtime.training;

/**
 * The step size of each update.
 *
 * <p>All schedules rise linearly to their peak during the warm-up, a share of all steps rounded up.
 * The first step is one part of that rise, not zero as in PyTorch's ready-made schedules, where it
 * would be wasted.
 *
 * <table>
 *   <caption>After the warm-up, with p the progress from 0 to 1</caption>
 *   <tr><td>{@link Linear}</td><td>{@code peak * (1 - p)}</td></tr>
 *   <tr><td>{@link Cosine}</td><td>{@code peak * (1 + cos(pi * p)) / 2}</td></tr>
 *   <tr><td>{@link Constant}</td><td>{@code peak}</td></tr>
 * </table>
 */
public sealed interface LearningRate {
  /** The highest rate. */
  double peak();

  /** Share of all steps spent rising to the peak, from 0 to 1. */
  double warmup();

  /** The share of the peak that is left at this progress, from 0 to 1, after the warm-up. */
  double remaining(double progress);

  /** Falls in a straight line. */
  record Linear(double peak, double warmup) implements LearningRate {
    /** Checks the ranges. */
    public Linear {
      check(peak, warmup);
    }

    @Override
    public double remaining(double progress) {
      return 1 - progress;
    }
  }

  /** Falls along half a cosine. */
  record Cosine(double peak, double warmup) implements LearningRate {
    /** Checks the ranges. */
    public Cosine {
      check(peak, warmup);
    }

    @Override
    public double remaining(double progress) {
      return (1 + Math.cos(Math.PI * progress)) / 2;
    }
  }

  /** Stays at the peak. */
  record Constant(double peak, double warmup) implements LearningRate {
    /** Checks the ranges. */
    public Constant {
      check(peak, warmup);
    }

    @Override
    public double remaining(double progress) {
      return 1;
    }
  }

  /**
   * The rate of a step.
   *
   * @param step from 0
   * @param total number of steps of the run
   */
  default double at(int step, int total) {
    int rising = (int) Math.ceil(warmup() * total);
    if (step < rising) {
      return peak() * (step + 1) / rising;
    }
    double progress = (double) (step - rising) / Math.max(1, total - rising);
    return peak() * remaining(progress);
  }

  private static void check(double peak, double warmup) {
    if (!(peak > 0 && Double.isFinite(peak))) {
      throw new IllegalArgumentException("learning-rate is " + peak + "; expected above 0");
    }
    if (!(warmup >= 0 && warmup <= 1)) {
      throw new IllegalArgumentException("warmup is " + warmup + "; expected 0 to 1");
    }
  }
}
