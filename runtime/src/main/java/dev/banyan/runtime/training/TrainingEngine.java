package dev.banyan.runtime.training;

import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What computes a run: it holds the parameters, their gradients and the optimizer's state. One step
 * is {@link #accumulate} for each of its batches and one {@link #update}.
 */
interface TrainingEngine extends AutoCloseable {
  /**
   * Adds the gradients of a batch to those of the step.
   *
   * @param feeds the user inputs of the training graph
   * @param weight the batch's share of the step, above 0; the shares of a step add up to 1
   * @return the batch's loss, to which the weight is not applied; if it is not finite the gradients
   *     are of no use, and the step must not be finished
   */
  float accumulate(Map<String, NativeTensor> feeds, double weight);

  /**
   * The L2 norm of the step's gradients before clipping, over all parameters; empty if the engine
   * cannot see them. If it is not finite the step must not be finished, unless {@link
   * #mayOverflow}.
   */
  OptionalDouble gradientNorm();

  /**
   * Whether gradients that are not finite are so perhaps only because the loss is scaled up. Then
   * {@link #update} makes the scale smaller and leaves the parameters as they are.
   */
  default boolean mayOverflow() {
    return false;
  }

  /**
   * Copies of the step's gradients by parameter, with which the step ends: no update is made of
   * them. Only of an engine that can see them.
   */
  default Map<String, float[]> takeGradients() {
    throw new IllegalStateException("The engine cannot see its gradients");
  }

  /** Updates the parameters from the gradients, and begins the next step. */
  void update(double learningRate);

  /**
   * The eval graph's outputs; only if the engine was opened for evaluation.
   *
   * @param feeds the user inputs of the eval graph: those for {@link #accumulate} but masks
   */
  OutputTensors evaluate(Map<String, NativeTensor> feeds);

  /**
   * What the parameters as they are now predict: the task's output for each row, without labels
   * counting. Called between steps only.
   *
   * @param feeds as for {@link #accumulate}, with masks that drop nothing
   */
  float[] predict(Map<String, NativeTensor> feeds);

  /** A copy of the parameters as they are now. */
  List<Tensor> parameters();

  /** A copy of all that the next step depends on, from which an engine can start. */
  Checkpoint checkpoint();

  @Override
  void close();
}
