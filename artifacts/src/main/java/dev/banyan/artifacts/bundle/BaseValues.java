package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the base itself has where adapters have weights of their own ({@link
 * Initializer#FROM_BASE}): biases, and modules that are saved whole. A bundle keeps them in its
 * checkpoint.
 *
 * @param byName float tensors by parameter name, in the graph's orientation
 */
public record BaseValues(Map<String, Tensor> byName) {
  /** Copies the map. */
  public BaseValues {
    byName = Map.copyOf(byName);
  }

  /** For a bundle whose adapters have no such weights. */
  public static BaseValues none() {
    return new BaseValues(Map.of());
  }

  /**
   * Those of a bundle.
   *
   * @throws dev.banyan.artifacts.integrity.ArtifactException if its checkpoint cannot be read
   */
  public static BaseValues of(Bundle bundle) {
    Set<String> names =
        bundle.manifest().parameters().stream()
            .filter(ParameterSpec::isOfBase)
            .map(ParameterSpec::name)
            .collect(Collectors.toSet());
    if (names.isEmpty()) {
      return none();
    }
    Map<String, Tensor> values = new HashMap<>();
    for (Tensor tensor : CheckpointFile.read(bundle.file(Bundle.CHECKPOINT)).trainable()) {
      if (names.contains(tensor.name())) {
        values.put(tensor.name(), tensor);
      }
    }
    return new BaseValues(values);
  }

  /**
   * The base's value of a parameter.
   *
   * @throws IllegalArgumentException if it is not one of these
   */
  public Tensor of(ParameterSpec spec) {
    Tensor value = byName.get(spec.name());
    if (value == null) {
      throw new IllegalArgumentException("No value of the base for '" + spec.name() + "'");
    }
    return value;
  }

  /**
   * What a bank holds of an adapter's tensor: for a weight of the base the distance from it, so
   * that zeros are the bare base; else the tensor.
   */
  public Tensor banked(ParameterSpec spec, Tensor trained) {
    if (!spec.isOfBase()) {
      return trained;
    }
    float[] values = trained.floats();
    float[] base = of(spec).floats();
    for (int i = 0; i < values.length; i++) {
      values[i] -= base[i];
    }
    return Tensor.ofFloats(spec.name(), trained.shape(), values);
  }
}
