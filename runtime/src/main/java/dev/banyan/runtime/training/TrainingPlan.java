package dev.banyan.runtime.training;

import dev.banyan.runtime.ort.SessionSettings;

/**
 * Everything a user may choose about a run.
 *
 * @param rank LoRA's rank
 * @param alpha LoRA's alpha: the update is scaled by alpha / rank
 * @param epochs passes over the data
 * @param maxSteps most steps of the run; 0 for no limit beside the epochs
 * @param batchSize texts (or pairs) a step
 * @param padTo least length of a batch in tokens; 0 for just the longest text in it
 * @param learningRate step sizes
 * @param weightDecay AdamW's decoupled weight decay
 * @param clip most the global L2 norm of the gradients may be; 0 for no clipping
 * @param patience evaluations without a better one after which the run ends
 * @param seed decides the start values and the order of the examples
 * @param session where and how to compute
 */
public record TrainingPlan(
    int rank,
    double alpha,
    int epochs,
    int maxSteps,
    int batchSize,
    int padTo,
    LearningRate learningRate,
    double weightDecay,
    double clip,
    int patience,
    long seed,
    SessionSettings session) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public TrainingPlan {
    require(rank >= 1, "rank", rank, "1 or more");
    require(alpha > 0 && Double.isFinite(alpha), "alpha", alpha, "above 0");
    require(epochs >= 1, "epochs", epochs, "1 or more");
    require(maxSteps >= 0, "max-steps", maxSteps, "0 (no limit) or more");
    require(batchSize >= 1, "batch-size", batchSize, "1 or more");
    require(padTo >= 0, "pad-to", padTo, "0 (the longest text) or more");
    require(weightDecay >= 0 && weightDecay < 1, "weight-decay", weightDecay, "0 to below 1");
    require(clip >= 0 && Double.isFinite(clip), "clip", clip, "0 (no clipping) or more");
    require(patience >= 1, "patience", patience, "1 or more");
  }

  private static void require(boolean holds, String name, Number seen, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + " is " + seen + "; expected " + expected);
    }
  }

  /** The values the command line has by default. */
  public static TrainingPlan defaults() {
    return new TrainingPlan(
        8,
        16,
        3,
        0,
        16,
        0,
        new LearningRate.Linear(2e-4, 0.1),
        0.01,
        1.0,
        3,
        42,
        SessionSettings.defaults());
  }

  /** What LoRA's product is multiplied by. */
  public double scaling() {
    return alpha / rank;
  }

  /** Number of steps over so many batches an epoch. */
  public int steps(int batchesPerEpoch) {
    int all = Math.multiplyExact(batchesPerEpoch, epochs);
    return maxSteps == 0 ? all : Math.min(all, maxSteps);
  }
}
