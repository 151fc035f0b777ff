package dev.banyan.artifacts.adapter;

import dev.banyan.artifacts.bundle.LayerPart;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * LoRA of parts of layers in the words of PEFT, which knows whole layers alone. There the A of all
 * parts of a layer lie one below the other, and in B each part has a block of its own, with zeros
 * elsewhere; so the rank is the sum of theirs, and alpha is such that the scaling is theirs.
 */
public final class PackedParts {
  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";

  /** Of each layer its parts by their paths. */
  private final Map<String, Map<String, LayerPart>> layers = new LinkedHashMap<>();

  /** The parts of layers that a bundle's parameters are for. */
  public PackedParts(List<ParameterSpec> parameters) {
    for (ParameterSpec spec : parameters) {
      spec.part()
          .ifPresent(
              part ->
                  layers
                      .computeIfAbsent(part.layer(), layer -> new LinkedHashMap<>())
                      .put(spec.site(), part));
    }
  }

  /** An adapter of parts as one of whole layers, if PEFT has its method. */
  public PeftAdapter pack(PeftAdapter adapter) {
    if (!isConcerned(adapter) || !(adapter.config() instanceof LoraConfig config)) {
      return adapter;
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>(adapter.weights().tensors());
    PartRanks ranks = new PartRanks(config);
    layers.forEach(
        (layer, parts) -> {
          double scaling = config.scaling(parts.keySet().iterator().next());
          List<PartFactors> factors = new ArrayList<>();
          String prefix = "";
          for (Map.Entry<String, LayerPart> part : parts.entrySet()) {
            String path = part.getKey();
            prefix = prefix(tensors, path + A);
            Tensor a = take(tensors, prefix + path + A);
            Tensor b = take(tensors, prefix + path + B);
            PartFactors own = new PartFactors(part.getValue(), a, b);
            factors.add(own.times((float) (config.scaling(path) / scaling)));
            ranks.forget(path);
          }
          put(tensors, PartFactors.stacked(factors).named(prefix + layer + A));
          put(tensors, PartFactors.inBlocks(factors).named(prefix + layer + B));
          ranks.add(layer, factors.stream().mapToInt(PartFactors::rank).sum(), scaling);
        });
    return with(adapter, ranks.ofLayers(layers), tensors);
  }

  /**
   * An adapter of whole layers as one of parts, where a bundle adapts those. Each part keeps what
   * its columns use of the rank.
   *
   * @param adapter with float tensors; one of parts stays as it is
   * @throws UnusableArtifact if it changes other columns too
   */
  public PeftAdapter unpack(PeftAdapter adapter) {
    if (!isConcerned(adapter) || !(adapter.config() instanceof LoraConfig config)) {
      return adapter;
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>(adapter.weights().tensors());
    PartRanks ranks = new PartRanks(config);
    layers.forEach(
        (layer, parts) -> {
          if (!isIn(tensors, layer + A) || !isIn(tensors, layer + B)) {
            return;
          }
          String prefix = prefix(tensors, layer + A);
          Tensor a = take(tensors, prefix + layer + A);
          Tensor b = take(tensors, prefix(tensors, layer + B) + layer + B);
          // Patterns are about the path that the file has.
          double scaling = config.scaling((prefix + layer).replace("base_model.model.", ""));
          PartFactors.requireNothingBeside(parts, b);
          parts.forEach(
              (path, part) -> {
                PartFactors own = PartFactors.of(part, a, b);
                put(tensors, own.a().named(prefix + path + A));
                put(tensors, own.b().named(prefix + path + B));
                ranks.add(path, own.rank(), scaling);
              });
        });
    return with(adapter, ranks.config(), tensors);
  }

  private boolean isConcerned(PeftAdapter adapter) {
    // What counts from factors of the whole base weight is of the whole layer.
    return !layers.isEmpty()
        && adapter.config() instanceof LoraConfig config
        && !config.dora()
        && config.start().isEmpty();
  }

  private static PeftAdapter with(
      PeftAdapter adapter, LoraConfig config, Map<String, Tensor> tensors) {
    return new PeftAdapter(config, new SafetensorsFile(adapter.weights().metadata(), tensors));
  }

  private static void put(Map<String, Tensor> tensors, Tensor tensor) {
    tensors.put(tensor.name(), tensor);
  }

  private static Tensor take(Map<String, Tensor> tensors, String key) {
    return Objects.requireNonNull(tensors.remove(key), key);
  }

  private static boolean isIn(Map<String, Tensor> tensors, String ending) {
    return tensors.keySet().stream().anyMatch(key -> ends(key, ending));
  }

  /** What stands before a layer's path in the key that ends so. */
  private static String prefix(Map<String, Tensor> tensors, String ending) {
    return tensors.keySet().stream()
        .filter(key -> ends(key, ending))
        .map(key -> key.substring(0, key.length() - ending.length()))
        .findFirst()
        .orElseThrow(
            () ->
                new UnusableArtifact(
                    "adapter", "it has no tensor '%s'".formatted(ending), "get the adapter again"));
  }

  private static boolean ends(String key, String ending) {
    return key.equals(ending) || key.endsWith("." + ending);
  }
}
