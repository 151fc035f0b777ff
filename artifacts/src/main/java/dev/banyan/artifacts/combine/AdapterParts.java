package dev.banyan.artifacts.combine;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * An adapter taken apart.
 *
 * @param layers its products, by layer
 * @param whole what it holds whole, by name: its head, saved modules, biases
 */
record AdapterParts(Map<String, LoraLayer> layers, Map<String, Tensor> whole) {
  AdapterParts {
    layers = Collections.unmodifiableMap(new LinkedHashMap<>(layers));
    whole = Collections.unmodifiableMap(new LinkedHashMap<>(whole));
  }

  /**
   * Takes an adapter apart.
   *
   * @throws UnusableArtifact if it has tensors of another method, or half a product
   */
  static AdapterParts of(WeightedAdapter weighted) {
    PeftAdapter adapter = weighted.adapter().widened();
    Map<String, Tensor> tensors = adapter.weights().tensors();
    Map<String, LoraLayer> layers = new LinkedHashMap<>();
    Map<String, Tensor> whole = new LinkedHashMap<>();
    for (Tensor tensor : tensors.values()) {
      Optional<FactorKeys> keys = FactorKeys.of(tensor.name());
      if (keys.isEmpty()) {
        requireWhole(weighted, tensor.name());
        if (!PeftAdapter.isCopy(tensor.name())) {
          whole.put(tensor.name(), tensor);
        }
        continue;
      }
      FactorKeys found = keys.get();
      if (!layers.containsKey(found.layer())) {
        Tensor a = require(weighted, tensors, found.ofA());
        Tensor b = require(weighted, tensors, found.ofB());
        layers.put(found.layer(), LoraLayer.of(found, adapter.lora(), a, b));
      }
    }
    return new AdapterParts(layers, whole);
  }

  private static Tensor require(WeightedAdapter weighted, Map<String, Tensor> tensors, String key) {
    Tensor tensor = tensors.get(key);
    if (tensor == null) {
      throw new UnusableArtifact(
          weighted.name(),
          "has half of a product and not '%s'".formatted(key),
          "get the adapter again from where it was made");
    }
    return tensor;
  }

  /** The tensors of PEFT's methods have names of their own; a layer's are weight and bias. */
  private static void requireWhole(WeightedAdapter weighted, String tensor) {
    boolean ofLayer = tensor.endsWith(".weight") || tensor.endsWith(".bias");
    if (!ofLayer || tensor.contains(".lora_")) {
      throw new UnusableArtifact(
          weighted.name(),
          "has '%s', which is not of plain LoRA".formatted(tensor),
          "combine LoRA adapters only");
    }
  }

  int largestRank() {
    return layers.values().stream().mapToInt(layer -> layer.factors().rank()).max().orElse(0);
  }
}
