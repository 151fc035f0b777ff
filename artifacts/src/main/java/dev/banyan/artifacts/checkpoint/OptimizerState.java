package dev.banyan.artifacts.checkpoint;

import dev.banyan.artifacts.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What AdamW remembers. ONNX Runtime takes back the step, the moments and the initial learning
 * rate; its current learning rate is 0.001 after a load until it is set again.
 *
 * @param step number of updates done
 * @param initialLearningRate what a schedule started from
 * @param moments for each trainable parameter its moments, in AdamW's order: mean, then mean square
 */
public record OptimizerState(
    long step, float initialLearningRate, Map<String, List<Tensor>> moments) {
  /** Copies the map, keeping its order. */
  public OptimizerState {
    moments = Collections.unmodifiableMap(new LinkedHashMap<>(moments));
  }
}
