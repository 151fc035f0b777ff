package dev.banyan.graph;

/**
 * How the graphs of training are made.
 *
 * @param gradients in which operators the backward pass is written
 * @param recompute whether layers run again in the backward pass, so that what they make is not
 *     kept in memory: less memory for a longer step
 * @param gang whether there is a graph for several adapters that train together
 * @param precision of products, and of the weights in them
 */
public record TrainingChoice(
    Emission gradients, boolean recompute, boolean gang, Precision precision) {
  /** In these operators, with everything kept that the backward pass needs. */
  public static TrainingChoice of(Emission gradients) {
    return new TrainingChoice(gradients, false, false, Precision.FP32);
  }

  /** The same with layers that run again in the backward pass. */
  public TrainingChoice withRecompute() {
    return new TrainingChoice(gradients, true, gang, precision);
  }

  /** The same with a graph for several adapters that train together. */
  public TrainingChoice withGang() {
    return new TrainingChoice(gradients, recompute, true, precision);
  }

  /** The same with products of other numbers. */
  public TrainingChoice with(Precision other) {
    return new TrainingChoice(gradients, recompute, gang, other);
  }
}
