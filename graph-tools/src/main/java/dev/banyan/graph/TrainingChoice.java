package dev.banyan.graph;

/**
 * How the graphs of training are made.
 *
 * @param gradients in which operators the backward pass is written
 * @param recompute whether layers run again in the backward pass, so that what they make is not
 *     kept in memory: less memory for a longer step
 * @param gang whether there is a graph for several adapters that train together
 * @param precision of products, and of the weights in them
 * @param dropout whether part of what adapters read can be dropped
 */
public record TrainingChoice(
    Emission gradients, boolean recompute, boolean gang, Precision precision, boolean dropout) {
  /** In these operators, with everything kept that the backward pass needs, and nothing more. */
  public static TrainingChoice of(Emission gradients) {
    return new TrainingChoice(gradients, false, false, Precision.FP32, false);
  }

  /** The same with layers that run again in the backward pass. */
  public TrainingChoice withRecompute() {
    return new TrainingChoice(gradients, true, gang, precision, dropout);
  }

  /** The same with a graph for several adapters that train together. */
  public TrainingChoice withGang() {
    return new TrainingChoice(gradients, recompute, true, precision, dropout);
  }

  /** The same with products of other numbers. */
  public TrainingChoice with(Precision other) {
    return new TrainingChoice(gradients, recompute, gang, other, dropout);
  }

  /** The same with masks of dropout. */
  public TrainingChoice withDropout() {
    return new TrainingChoice(gradients, recompute, gang, precision, true);
  }
}
