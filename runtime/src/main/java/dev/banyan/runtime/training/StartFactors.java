package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.base.BaseLayers;
import dev.banyan.runtime.base.LayerFactors;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The factors of the base's weights that PiSSA and OLoRA start from: what they are at the start of
 * a run, and how they are taken off again in the adapter that it makes.
 */
final class StartFactors {
  private StartFactors() {}

  /**
   * Start values by parameter name, each of its layer's own rank.
   *
   * @param wanted by layer; if there is none, the base is not looked at
   */
  static Map<String, Tensor> of(Bundle bundle, Map<String, LayerFactors.Wanted> wanted) {
    if (wanted.isEmpty()) {
      return Map.of();
    }
    Map<String, Tensor> values = new HashMap<>();
    try (BaseLayers layers = BaseLayers.of(bundle)) {
      Map<String, LayerFactors> factors = LayerFactors.of(wanted, layers);
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        if (spec.init() == Initializer.FACTOR_OF_BASE) {
          LayerFactors both = Objects.requireNonNull(factors.get(spec.site()));
          values.put(spec.name(), (isFirst(spec) ? both.a() : both.b()).named(spec.name()));
        }
      }
    }
    return values;
  }

  private static boolean isFirst(ParameterSpec spec) {
    return spec.dims().getLast().equals(ParameterSpec.RANK);
  }

  /** The start of a trained factor; empty for any other parameter. */
  static Optional<ParameterSpec> startOf(ParameterSpec spec, List<ParameterSpec> all) {
    return all.stream()
        .filter(other -> other.role() == Role.START && other.site().equals(spec.site()))
        .filter(other -> spec.init() == Initializer.FACTOR_OF_BASE)
        .filter(other -> other.dims().equals(spec.dims()))
        .findFirst();
  }

  /** Whether a trained factor is still where it started. */
  static boolean isAtStart(Tensor trained, Tensor start) {
    return Arrays.equals(trained.floats(), start.floats());
  }

  /**
   * A trained factor with its start behind it, so that the product of both factors is what was
   * learned: of A the start's columns, of B its rows with the other sign.
   *
   * @param trained of its layer's own rank
   * @param start of the same shape
   */
  static Tensor withStart(ParameterSpec spec, Tensor trained, Tensor start) {
    long rows = trained.shape().dim(0);
    long columns = trained.shape().dim(1);
    float[] own = trained.floats();
    float[] other = start.floats();
    if (!isFirst(spec)) {
      float[] both = Arrays.copyOf(own, 2 * own.length);
      for (int i = 0; i < other.length; i++) {
        both[own.length + i] = -other[i];
      }
      return Tensor.ofFloats(trained.name(), Shape.of(2 * rows, columns), both);
    }
    int rank = Math.toIntExact(columns);
    float[] both = new float[2 * own.length];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(own, row * rank, both, 2 * row * rank, rank);
      System.arraycopy(other, row * rank, both, (2 * row + 1) * rank, rank);
    }
    return Tensor.ofFloats(trained.name(), Shape.of(rows, 2 * columns), both);
  }
}
