package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.random.RandomGenerator;

/**
 * Where parameters start. Every parameter draws from a generator of its own, {@link Random} seeded
 * from the run's seed and the parameter's name: its values do not depend on which other parameters
 * there are, nor on the machine.
 *
 * @param seed the run's seed
 * @param base where weights of the base start
 * @param tokens where soft prompts start
 * @param projection what VeRA starts from
 */
public record ParameterInitializer(
    long seed, BaseValues base, TokenRows tokens, Projection projection) {
  /** For parameters of which none is a weight of the base. */
  public ParameterInitializer(long seed) {
    this(seed, BaseValues.none());
  }

  /** For parameters of which none starts as tokens of the base. */
  public ParameterInitializer(long seed, BaseValues base) {
    this(seed, base, TokenRows.none(), Projection.usual());
  }

  /**
   * Start values, in the order of the specifications.
   *
   * @param sizes what the adapter chooses
   */
  public List<Tensor> tensors(List<ParameterSpec> specs, Sizes sizes) {
    return specs.stream().map(spec -> tensor(spec, spec.shape(sizes))).toList();
  }

  private Tensor tensor(ParameterSpec spec, Shape shape) {
    RandomGenerator random = new Random(seed * 0x9E3779B97F4A7C15L ^ spec.name().hashCode());
    float[] values = new float[Math.toIntExact(shape.elements())];
    switch (spec.init()) {
      case FROM_BASE, BASE_NORM, FACTOR_OF_BASE -> {
        return base.of(spec);
      }
      case ZEROS -> {}
      case ONES -> Arrays.fill(values, 1);
      case NORMAL_0_02 -> fill(values, () -> 0.02 * random.nextGaussian());
      case NORMAL -> fill(values, random::nextGaussian);
      case TOKENS_OF_BASE -> {
        int count = Math.toIntExact(shape.dim(0));
        values = tokens.rows(count, Math.toIntExact(shape.dim(1)), random);
      }
      case KAIMING_UNIFORM -> kaiming(values, shape.dim(0), random);
      case KAIMING_UNIFORM_KERNEL ->
          kaiming(values, shape.elements() / Math.max(1, shape.dim(0)), random);
      case INITIAL -> Arrays.fill(values, projection.initial());
      case PROJECTION_A -> {
        return projection.over(shape.dim(0)).a(shape.dim(1)).transposed().named(spec.name());
      }
      case PROJECTION_B -> {
        return projection.b(shape.dim(0), shape.dim(1)).transposed().named(spec.name());
      }
    }
    return Tensor.ofFloats(spec.name(), shape, values);
  }

  /** kaiming_uniform_(a = sqrt(5)): the bound is sqrt(6 / ((1 + 5) * fan_in)). */
  private static void kaiming(float[] values, long fanIn, RandomGenerator random) {
    double bound = 1 / Math.sqrt((double) fanIn);
    fill(values, () -> bound * (2 * random.nextDouble() - 1));
  }

  private static void fill(float[] values, DoubleSupplier numbers) {
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) numbers.getAsDouble();
    }
  }
}
