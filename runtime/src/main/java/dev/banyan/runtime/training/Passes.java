package dev.banyan.runtime.training;

/**
 * How a run goes through its data.
 *
 * @param epochs passes over the data
 * @param maxSteps most steps of the run; 0 for no limit beside the epochs
 * @param batchSize texts (or pairs) a batch
 * @param accumulation batches whose gradients are added up for one step, as if they were one batch
 * @param padTo least length of a batch in tokens; 0 for just the longest text in it
 */
public record Passes(int epochs, int maxSteps, int batchSize, int accumulation, int padTo) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public Passes {
    Require.that(epochs >= 1, "epochs", epochs, "1 or more");
    Require.that(maxSteps >= 0, "max-steps", maxSteps, "0 (no limit) or more");
    Require.that(batchSize >= 1, "batch-size", batchSize, "1 or more");
    Require.that(accumulation >= 1, "accumulation", accumulation, "1 or more");
    Require.that(padTo >= 0, "pad-to", padTo, "0 (the longest text) or more");
  }

  /** Three epochs in batches of 16. */
  public static Passes defaults() {
    return new Passes(3, 0, 16, 1, 0);
  }

  /** The same number of epochs in batches of another size. */
  public Passes withBatchSize(int size) {
    return new Passes(epochs, maxSteps, size, accumulation, padTo);
  }

  /** Batches of the same size for another number of epochs. */
  public Passes withEpochs(int count) {
    return new Passes(count, maxSteps, batchSize, accumulation, padTo);
  }

  /** The same with a limit on the steps. */
  public Passes withMaxSteps(int most) {
    return new Passes(epochs, most, batchSize, accumulation, padTo);
  }

  /** The same with more batches for a step. */
  public Passes withAccumulation(int batches) {
    return new Passes(epochs, maxSteps, batchSize, batches, padTo);
  }

  /** The same with rows of at least this length. */
  public Passes withPadTo(int tokens) {
    return new Passes(epochs, maxSteps, batchSize, accumulation, tokens);
  }

  /** Number of steps of an epoch of so many batches; the last may have fewer batches. */
  public int stepsPerEpoch(int batches) {
    return Math.ceilDiv(batches, accumulation);
  }

  /** Number of steps of the run. */
  public int steps(int stepsPerEpoch) {
    int all = Math.multiplyExact(stepsPerEpoch, epochs);
    return maxSteps == 0 ? all : Math.min(all, maxSteps);
  }
}
