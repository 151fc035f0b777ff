package dev.banyan.runtime.training;

import dev.banyan.runtime.data.BatchOrder;
import dev.banyan.runtime.data.BatchSize;
import java.util.function.IntUnaryOperator;

/**
 * How a run goes through its data.
 *
 * @param epochs passes over the data
 * @param maxSteps most steps of the run; 0 for no limit beside the epochs
 * @param batch how many texts (or pairs) make a batch
 * @param accumulation batches whose gradients are added up for one step, as if they were one batch
 * @param padTo least length of a batch in tokens; 0 for just the longest text in it
 * @param pack tokens of a row that texts of a decoder share; 0 for a row to each text
 * @param order which texts share a batch
 */
public record Passes(
    int epochs,
    int maxSteps,
    BatchSize batch,
    int accumulation,
    int padTo,
    int pack,
    BatchOrder order) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public Passes {
    Require.that(epochs >= 1, "epochs", epochs, "1 or more");
    Require.that(maxSteps >= 0, "max-steps", maxSteps, "0 (no limit) or more");
    Require.that(accumulation >= 1, "accumulation", accumulation, "1 or more");
    Require.that(padTo >= 0, "pad-to", padTo, "0 (the longest text) or more");
    Require.that(pack >= 0, "pack", pack, "0 (a row to each text) or more");
  }

  /** Passes in which each text has a row of its own, beside others of like length. */
  public Passes(int epochs, int maxSteps, BatchSize batch, int accumulation, int padTo) {
    this(epochs, maxSteps, batch, accumulation, padTo, 0, BatchOrder.BY_LENGTH);
  }

  /** Three epochs in batches of 16. */
  public static Passes defaults() {
    return new Passes(3, 0, new BatchSize.Examples(16), 1, 0);
  }

  /** The same number of epochs in batches of another size. */
  public Passes with(BatchSize size) {
    return new Passes(epochs, maxSteps, size, accumulation, padTo, pack, order);
  }

  /** Batches of the same size for another number of epochs. */
  public Passes withEpochs(int count) {
    return new Passes(count, maxSteps, batch, accumulation, padTo, pack, order);
  }

  /** The same with a limit on the steps. */
  public Passes withMaxSteps(int most) {
    return new Passes(epochs, most, batch, accumulation, padTo, pack, order);
  }

  /** The same with more batches for a step. */
  public Passes withAccumulation(int batches) {
    return new Passes(epochs, maxSteps, batch, batches, padTo, pack, order);
  }

  /** The same with rows of at least this length. */
  public Passes withPadTo(int tokens) {
    return new Passes(epochs, maxSteps, batch, accumulation, tokens, pack, order);
  }

  /** The same with rows that texts of a decoder share. */
  public Passes withPack(int tokens) {
    return new Passes(epochs, maxSteps, batch, accumulation, padTo, tokens, order);
  }

  /** Number of steps of an epoch of so many batches; the last step may have fewer batches. */
  public int stepsPerEpoch(int batches) {
    return Math.ceilDiv(batches, accumulation);
  }

  /**
   * Number of steps of the run.
   *
   * @param stepsOfEpoch number of steps of each epoch, from 0
   */
  public int steps(IntUnaryOperator stepsOfEpoch) {
    int steps = 0;
    for (int epoch = 0; epoch < epochs && (maxSteps == 0 || steps < maxSteps); epoch++) {
      steps = Math.addExact(steps, stepsOfEpoch.applyAsInt(epoch));
    }
    return maxSteps == 0 ? steps : Math.min(steps, maxSteps);
  }
}
