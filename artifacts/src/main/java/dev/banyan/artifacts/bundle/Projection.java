package dev.banyan.artifacts.bundle;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * What adapters of the method VeRA start from: two random matrices that all layers share and that
 * are never trained, A and behind it B of one generator, and the number that the vector between
 * them starts at. The same key gives the matrices that PEFT draws, so that files may leave them
 * out.
 *
 * @param key PEFT's {@code projection_prng_key}
 * @param in the greatest number that an adapted layer reads
 * @param initial PEFT's {@code d_initial}
 */
public record Projection(long key, long in, float initial) {
  /** The setting that {@link #key} is. */
  public static final String KEY = "projection_prng_key";

  /** The setting that {@link #initial} is. */
  public static final String INITIAL = "d_initial";

  /** What adapters have that were not told anything else, for a layer of one number. */
  public static Projection usual() {
    return new Projection(0, 1, 0.1f);
  }

  /** That of a bundle. */
  public static Projection of(BundleManifest bundle) {
    return bundle
        .adapter()
        .method(MethodName.VERA)
        .map(method -> of(method.settings(), bundle.parameters()))
        .orElseGet(Projection::usual);
  }

  /**
   * That of parameters.
   *
   * @param settings of the method; what is missing is as usual
   * @param parameters all that there are
   */
  public static Projection of(Map<String, String> settings, List<ParameterSpec> parameters) {
    Projection usual = usual();
    return new Projection(
        Long.parseLong(settings.getOrDefault(KEY, Long.toString(usual.key()))),
        parameters.stream()
            .filter(spec -> spec.init() == Initializer.PROJECTION_A)
            .mapToLong(spec -> Long.parseLong(spec.dims().getFirst()))
            .max()
            .orElse(usual.in()),
        Float.parseFloat(settings.getOrDefault(INITIAL, Float.toString(usual.initial()))));
  }

  /** The same for layers that read other numbers. */
  Projection over(long otherIn) {
    return new Projection(key, otherIn, initial);
  }

  /** A, {@code [rank, in]} as files have it. */
  public Tensor a(long rank) {
    return drawn(new MersenneTwister(key), Shape.of(rank, in));
  }

  /**
   * B, {@code [out, rank]} as files have it.
   *
   * @param out the greatest number that an adapted layer gives
   */
  public Tensor b(long rank, long out) {
    MersenneTwister random = new MersenneTwister(key);
    for (long skipped = rank * in; skipped > 0; skipped--) {
      random.bits();
    }
    return drawn(random, Shape.of(out, rank));
  }

  /**
   * Uniform in ±sqrt(6 / fan_in) in PyTorch's own steps, the last of which is rounded once: the
   * same bits.
   */
  private static Tensor drawn(MersenneTwister random, Shape shape) {
    float bound = (float) (Math.sqrt(3) * (Math.sqrt(2) / Math.sqrt((double) shape.dim(1))));
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.fma(random.unit(), 2 * bound, -bound);
    }
    return Tensor.ofFloats("projection", shape, values);
  }
}
