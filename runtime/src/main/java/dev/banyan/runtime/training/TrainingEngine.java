package dev.banyan.runtime.training;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import java.util.List;
import java.util.Map;

/** What computes a run: it holds the parameters and the optimizer's state. */
interface TrainingEngine extends AutoCloseable {
  /**
   * One update from one batch.
   *
   * @param feeds the user inputs of the training graph
   * @return the loss before the update
   */
  float step(Map<String, NativeTensor> feeds, double learningRate);

  /**
   * The eval graph's outputs; only if the engine was opened for evaluation.
   *
   * @param feeds the user inputs of the eval graph, the same as for {@link #step}
   */
  OutputTensors evaluate(Map<String, NativeTensor> feeds);

  /** A copy of the parameters as they are now. */
  List<Tensor> parameters();

  @Override
  void close();
}
