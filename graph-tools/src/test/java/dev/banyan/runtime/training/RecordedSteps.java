package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.SessionSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Some steps on one batch from given values.
 *
 * @param bundle what is trained
 * @param present its parameters as the adapter has them
 * @param adamW how it is updated
 * @param rate the learning rate of every step
 * @param scalings by layer
 */
public record RecordedSteps(
    Bundle bundle,
    List<ParameterSpec> present,
    Map<String, Double> scalings,
    AdamW adamW,
    double rate) {
  /** Copies the collections. */
  public RecordedSteps {
    present = List.copyOf(present);
    scalings = Map.copyOf(scalings);
  }

  /**
   * What came out.
   *
   * @param losses before each step
   * @param parameters behind the last
   */
  public record Outcome(List<Float> losses, List<Tensor> parameters) {
    /** Copies the lists. */
    public Outcome {
      losses = List.copyOf(losses);
      parameters = List.copyOf(parameters);
    }
  }

  /** Trains for this number of steps. */
  public Outcome run(List<Tensor> start, Map<String, NativeTensor> feeds, int steps) {
    TrainingStart from =
        new TrainingStart(
            bundle,
            present,
            Checkpoint.fresh(start),
            adamW,
            scalings,
            false,
            false,
            SessionSettings.defaults());
    List<Float> losses = new ArrayList<>();
    try (SessionTrainingEngine engine = SessionTrainingEngine.open(from)) {
      for (int step = 0; step < steps; step++) {
        losses.add(engine.accumulate(feeds, 1));
        engine.update(rate);
      }
      return new Outcome(losses, engine.parameters());
    }
  }
}
