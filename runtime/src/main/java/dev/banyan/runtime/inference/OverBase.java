package dev.banyan.runtime.inference;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.base.BaseLayers;
import dev.banyan.runtime.base.LayerFactors;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What of an adapter depends on the base's weights: DoRA's gains, and the factors that PiSSA and
 * OLoRA count from, which PEFT leaves out of their files.
 *
 * @param bundle has the layers
 */
record OverBase(Bundle bundle) {
  /**
   * The adapter with all that.
   *
   * @param weights as the file has them, with room for a start's factors behind its own
   * @param starts the factors that are to be taken off, by layer
   */
  AdapterWeights complete(AdapterWeights weights, Map<String, LayerFactors.Wanted> starts) {
    List<ParameterSpec> magnitudes =
        bundle.manifest().parameters().stream()
            .filter(DoraGains::isMagnitude)
            .filter(spec -> weights.tensors().containsKey(spec.name()))
            .toList();
    if (magnitudes.isEmpty() && starts.isEmpty()) {
      return weights;
    }
    Map<String, Tensor> all = new HashMap<>(weights.tensors());
    try (BaseLayers layers = BaseLayers.of(bundle)) {
      if (!magnitudes.isEmpty()) {
        all.putAll(new DoraGains(BaseValues.of(bundle), layers).of(magnitudes, all));
      }
      LayerFactors.of(starts, layers)
          .forEach(
              (site, start) -> takeOff(all, site, start, Objects.requireNonNull(starts.get(site))));
    }
    return new AdapterWeights(
        weights.digest(), weights.task(), weights.labels(), weights.sizes(), all);
  }

  /** Writes the start behind the adapter's own columns of A and, negative, rows of B. */
  private static void takeOff(
      Map<String, Tensor> all, String site, LayerFactors start, LayerFactors.Wanted wanted) {
    int own = wanted.rank();
    all.computeIfPresent(
        site + ".lora_A",
        (name, tensor) -> {
          float[] a = tensor.floats();
          int room = Math.toIntExact(tensor.shape().dim(1));
          float[] more = start.a().floats();
          for (int i = 0; i < more.length; i++) {
            a[i / own * room + own + i % own] = more[i];
          }
          return Tensor.ofFloats(name, tensor.shape(), a);
        });
    all.computeIfPresent(
        site + ".lora_B",
        (name, tensor) -> {
          float[] b = tensor.floats();
          int out = Math.toIntExact(tensor.shape().dim(1));
          float[] more = start.b().floats();
          for (int i = 0; i < more.length; i++) {
            b[own * out + i] = (float) (-wanted.scaling() * more[i]);
          }
          return Tensor.ofFloats(name, tensor.shape(), b);
        });
  }
}
