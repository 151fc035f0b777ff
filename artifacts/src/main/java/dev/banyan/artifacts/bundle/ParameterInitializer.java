package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;

/**
 * Where parameters start. Every parameter draws from a generator of its own, {@link Random} seeded
 * from the run's seed and the parameter's name: its values do not depend on which other parameters
 * there are, nor on the machine.
 *
 * @param seed the run's seed
 * @param base where weights of the base start
 */
public record ParameterInitializer(long seed, BaseValues base) {
  /** For parameters of which none is a weight of the base. */
  public ParameterInitializer(long seed) {
    this(seed, BaseValues.none());
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
      case FROM_BASE -> {
        return base.of(spec);
      }
      case ZEROS -> {}
      case ONES -> Arrays.fill(values, 1);
      case NORMAL_0_02 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (0.02 * random.nextGaussian());
        }
      }
      case KAIMING_UNIFORM -> {
        // kaiming_uniform_(a = sqrt(5)): the bound is sqrt(6 / ((1 + 5) * fan_in)).
        double bound = 1 / Math.sqrt((double) shape.dim(0));
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (bound * (2 * random.nextDouble() - 1));
        }
      }
    }
    return Tensor.ofFloats(spec.name(), shape, values);
  }
}
