package dev.banyan.graph;

import dev.banyan.artifacts.tensor.DType;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** In which numbers the products of training graphs are computed. */
public enum Precision {
  /** 32-bit floats throughout. */
  FP32,
  /** 16 bits, of which 5 are the exponent: small gradients need the loss to be scaled. */
  FP16,
  /** 16 bits with the exponent of a 32-bit float. */
  BF16;

  /** The name used on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The precision of this name. */
  public static Optional<Precision> of(String text) {
    return Arrays.stream(values()).filter(precision -> precision.text().equals(text)).findFirst();
  }

  /** The element type of 16 bits; empty for 32-bit floats. */
  public Optional<DType> half() {
    return switch (this) {
      case FP32 -> Optional.empty();
      case FP16 -> Optional.of(DType.FLOAT16);
      case BF16 -> Optional.of(DType.BFLOAT16);
    };
  }
}
