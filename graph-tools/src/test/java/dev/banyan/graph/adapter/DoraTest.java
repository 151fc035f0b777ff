package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.base.BaseNorms;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

class DoraTest extends AdapterMethodContract {
  @Override
  LayerMethod method() {
    return new Dora();
  }

  /** The factor by its definition: of the lengths of the columns of the sum. */
  @Override
  Optional<Tensor> ofWeight(ParameterSpec spec, Map<String, Tensor> adapter, Tensor weight) {
    if (!spec.name().endsWith(".dora_magnitude")) {
      return Optional.empty();
    }
    LowRankProduct product =
        new LowRankProduct(
            Objects.requireNonNull(adapter.get(spec.site() + ".dora_A")),
            Objects.requireNonNull(adapter.get(spec.site() + ".dora_B")));
    float[] lengths = BaseNorms.ofColumns(product.addedTo(weight, 1, Arena.ofAuto())).floats();
    Tensor magnitude = Objects.requireNonNull(adapter.get(spec.name()));
    float[] factors = magnitude.floats();
    for (int i = 0; i < factors.length; i++) {
      factors[i] = factors[i] / lengths[i] - 1;
    }
    return Optional.of(Tensor.ofFloats(spec.name(), magnitude.shape(), factors));
  }
}
