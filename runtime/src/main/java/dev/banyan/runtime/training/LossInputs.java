package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.Targets;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a training graph takes for its loss beside the labels, the same in every step. A graph that
 * has no such inputs is fed none.
 *
 * @param present whether the graph has them
 * @param smoothing the value of {@code label_smoothing}
 * @param weights the value of {@code class_weights}, by class id
 */
record LossInputs(boolean present, float smoothing, List<Double> weights) {
  private static final String SMOOTHING = "label_smoothing";
  private static final String WEIGHTS = "class_weights";

  /**
   * The inputs of a run.
   *
   * @param targets the right answers of the training data
   * @throws TrainingFailure.NoSuchLoss if the plan asks for what the graph does not have
   */
  static LossInputs of(
      GraphInputs graph, LossPlan plan, Optional<LabelSet> labels, Targets targets) {
    if (labels.isEmpty() || !graph.has(SMOOTHING) || !graph.has(WEIGHTS)) {
      requirePlain(plan, graph.task());
      return new LossInputs(false, 0, List.of());
    }
    return new LossInputs(
        true, (float) plan.labelSmoothing(), plan.classWeights().of(labels.get(), targets));
  }

  private static void requirePlain(LossPlan plan, Task task) {
    if (!plan.isPlain()) {
      throw new TrainingFailure.NoSuchLoss(task);
    }
  }

  /** Adds the inputs to those of a step. */
  void addTo(Map<String, NativeTensor> feeds, TensorScope scope) {
    if (present) {
      float[] byClass = new float[weights.size()];
      for (int id = 0; id < byClass.length; id++) {
        byClass[id] = weights.get(id).floatValue();
      }
      feeds.put(SMOOTHING, scope.floats(new float[] {smoothing}));
      feeds.put(WEIGHTS, scope.floats(byClass, byClass.length));
    }
  }
}
