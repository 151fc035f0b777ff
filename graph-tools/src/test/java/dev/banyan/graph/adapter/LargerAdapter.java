package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.inference.AdapterWeights;
import java.util.LinkedHashMap;
import java.util.Map;

/** Another adapter beside a recorded one: the same with larger numbers. */
final class LargerAdapter {
  private LargerAdapter() {}

  static AdapterWeights of(AdapterWeights weights) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    weights
        .tensors()
        .forEach(
            (name, tensor) -> {
              float[] values = tensor.floats();
              for (int i = 0; i < values.length; i++) {
                values[i] *= 1.25f;
              }
              tensors.put(name, Tensor.ofFloats(name, tensor.shape(), values));
            });
    return new AdapterWeights(
        weights.digest(), weights.task(), weights.labels(), weights.sizes(), tensors);
  }
}
