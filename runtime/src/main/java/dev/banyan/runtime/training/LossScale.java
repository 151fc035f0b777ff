package dev.banyan.runtime.training;

import dev.banyan.artifacts.checkpoint.Checkpoint;
import java.util.Map;

/**
 * What the loss is multiplied by, so that gradients are not lost in 16-bit floats: halved when they
 * overflow, doubled when they have not for a while. These are PyTorch's numbers.
 */
final class LossScale {
  /** The input of a graph in half precision. */
  static final String INPUT = "loss_scale";

  private static final String STEPS = "loss_scale_steps";
  private static final float FIRST = 1 << 16;
  private static final int INTERVAL = 2000;

  private float value;
  private long steps;

  private LossScale(float value, long steps) {
    this.value = value;
    this.steps = steps;
  }

  /** The scale that a run goes on with, or begins with. */
  static LossScale of(Checkpoint checkpoint) {
    Map<String, Object> saved = checkpoint.properties();
    return saved.get(INPUT) instanceof Float value && saved.get(STEPS) instanceof Long steps
        ? new LossScale(value, steps)
        : new LossScale(FIRST, 0);
  }

  /** A power of two. */
  float value() {
    return value;
  }

  /** Whether gradients that are not finite may be so for the scale alone. */
  boolean canShrink() {
    return value > 1;
  }

  /** The step's gradients were not finite. */
  void shrink() {
    value /= 2;
    steps = 0;
  }

  /** The step's gradients were finite. */
  void stepped() {
    steps++;
    if (steps == INTERVAL) {
      steps = 0;
      value *= 2;
    }
  }

  /** For a checkpoint. */
  Map<String, Object> properties() {
    return Map.of(INPUT, value, STEPS, steps);
  }
}
