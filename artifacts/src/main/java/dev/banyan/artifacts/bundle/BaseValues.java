package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the base itself has where adapters have weights of their own ({@link
 * Initializer#FROM_BASE}): biases, and modules that are saved whole; and what adapters start from
 * that is computed of the base ({@link Initializer#BASE_NORM}). A bundle keeps them in its
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
            .filter(ParameterSpec::startsFromBase)
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

  /** The same and others, by parameter name. */
  public BaseValues with(Map<String, Tensor> others) {
    Map<String, Tensor> all = new HashMap<>(byName);
    all.putAll(others);
    return new BaseValues(all);
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
   * What a bank holds of an adapter's tensor, so that zeros are the bare base: of a weight of the
   * base the distance from it, of what starts at one the distance from one, of a length how much
   * longer it is by itself; else the tensor.
   */
  public Tensor banked(ParameterSpec spec, Tensor trained) {
    return switch (spec.init()) {
      case FROM_BASE -> distance(trained, of(spec).floats());
      case ONES -> {
        float[] ones = new float[Math.toIntExact(trained.shape().elements())];
        Arrays.fill(ones, 1);
        yield distance(trained, ones);
      }
      case BASE_NORM -> longer(trained, of(spec).floats());
      case KAIMING_UNIFORM,
          KAIMING_UNIFORM_KERNEL,
          ZEROS,
          NORMAL_0_02,
          NORMAL,
          TOKENS_OF_BASE,
          PROJECTION_A,
          PROJECTION_B,
          INITIAL,
          FACTOR_OF_BASE ->
          trained;
    };
  }

  /** The value of a parameter at which it changes nothing. */
  public Tensor neutral(ParameterSpec spec, Sizes sizes) {
    if (spec.startsFromBase()) {
      return of(spec);
    }
    Shape shape = spec.shape(sizes);
    float[] values = new float[Math.toIntExact(shape.elements())];
    Arrays.fill(values, spec.init() == Initializer.ONES ? 1 : 0);
    return Tensor.ofFloats(spec.name(), shape, values);
  }

  private static Tensor longer(Tensor trained, float[] than) {
    float[] values = trained.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] = than[i] == 0 ? 0 : values[i] / than[i] - 1;
    }
    return Tensor.ofFloats(trained.name(), trained.shape(), values);
  }

  private static Tensor distance(Tensor trained, float[] from) {
    float[] values = trained.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] -= from[i];
    }
    return Tensor.ofFloats(trained.name(), trained.shape(), values);
  }
}
