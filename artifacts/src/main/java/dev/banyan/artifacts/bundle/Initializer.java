package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.Locale;

/** How a trainable parameter starts. */
public enum Initializer {
  /**
   * Uniform in ±1/sqrt(fan_in) with fan_in = the first dimension: PyTorch's {@code
   * kaiming_uniform_(a=sqrt(5))}, which PEFT uses for LoRA's A.
   */
  KAIMING_UNIFORM,
  /** The same with fan_in = the product of all dimensions but the first: a convolution's A. */
  KAIMING_UNIFORM_KERNEL,
  /** All zeros, so that a LoRA pair changes nothing before its first step. */
  ZEROS,
  /** All ones, for what multiplies. A bank holds the distance from one. */
  ONES,
  /** Normal with mean 0 and standard deviation 0.02, BERT's own for new layers. */
  NORMAL_0_02,
  /** Normal with mean 0 and standard deviation 1, PyTorch's own for embeddings. */
  NORMAL,
  /** Embeddings that the base has of some of its tokens: see {@link TokenRows}. */
  TOKENS_OF_BASE,
  /** What {@link Projection} draws first, VeRA's A. */
  PROJECTION_A,
  /** What {@link Projection} draws behind that, VeRA's B. */
  PROJECTION_B,
  /** The one number that the method is told to start from: see {@link Projection}. */
  INITIAL,
  /** The base's own value, for a weight of the base that is trained: see {@link BaseValues}. */
  FROM_BASE,
  /**
   * The lengths of the columns of the layer's own weight {@code [in, out]}: see {@link BaseValues}.
   * A bank holds the factor of what the layer gives, less one.
   */
  BASE_NORM,
  /**
   * A factor of the layer's own weight, which the method takes apart when a run begins: PiSSA's and
   * OLoRA's.
   */
  FACTOR_OF_BASE;

  /** The name used in files. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Initializer parse(String text) {
    return Arrays.stream(values())
        .filter(initializer -> initializer.text().equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not an initializer"));
  }
}
