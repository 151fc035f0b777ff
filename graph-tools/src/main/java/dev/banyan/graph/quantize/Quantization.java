package dev.banyan.graph.quantize;

import dev.banyan.graph.blockwise.BlockFormat;
import dev.banyan.graph.blockwise.Bnb4Codes;
import dev.banyan.graph.blockwise.CodeFormat;
import dev.banyan.graph.blockwise.NumberFormat;
import java.util.Locale;

/**
 * How weights are stored.
 *
 * @param scheme what their numbers become
 * @param block numbers that share a scale
 * @param zeroPoints whole numbers only: true if each block says which number is zero
 * @param doubleQuantized codes only: true if the magnitudes of blocks are stored in 8 bits too
 */
public record Quantization(Scheme scheme, int block, boolean zeroPoints, boolean doubleQuantized) {
  private static final int SMALLEST_BLOCK = 16;
  private static final int LARGEST_BLOCK_OF_CODES = 4096;
  private static final int LARGEST_BLOCK_OF_NUMBERS = 256;

  /**
   * Checks that there is an operator for it.
   *
   * @throws IllegalArgumentException if there is none; the message is for the user
   */
  public Quantization {
    int largest = scheme.isOfCodes() ? LARGEST_BLOCK_OF_CODES : LARGEST_BLOCK_OF_NUMBERS;
    if (Integer.bitCount(block) != 1 || block < SMALLEST_BLOCK || block > largest) {
      throw new IllegalArgumentException(
          "a block of %d does not fit %s; expected a power of two from %d to %d"
              .formatted(block, name(scheme), SMALLEST_BLOCK, largest));
    }
    if (zeroPoints && scheme.isOfCodes()) {
      throw new IllegalArgumentException(
          "%s has no zero points; they are for int4 and int8".formatted(name(scheme)));
    }
    if (doubleQuantized && !scheme.isOfCodes()) {
      throw new IllegalArgumentException(
          "the scales of %s are not quantized again, as their kernel reads floats that it packs when the model is loaded; double quantization is for nf4 and fp4"
              .formatted(name(scheme)));
    }
  }

  /** A scheme with its usual block, symmetric, with scales of floats. */
  public static Quantization of(Scheme scheme) {
    return new Quantization(scheme, scheme.defaultBlock(), false, false);
  }

  /** How a linear layer's weight is stored. */
  public BlockFormat format() {
    return switch (scheme) {
      case NF4 -> new CodeFormat(Bnb4Codes.NF4, block);
      case FP4 -> new CodeFormat(Bnb4Codes.FP4, block);
      case INT4, INT8 -> numbers(scheme.bits());
    };
  }

  /**
   * How a table of embeddings is stored: no operator looks up codes, so those schemes take numbers
   * of 8 bits.
   */
  NumberFormat tableFormat() {
    return scheme.isOfCodes()
        ? new NumberFormat(8, Scheme.INT8.defaultBlock(), false)
        : numbers(scheme.bits());
  }

  private NumberFormat numbers(int bits) {
    return new NumberFormat(bits, block, zeroPoints);
  }

  /** For instance {@code nf4, blocks of 64, magnitudes in 8 bits}. */
  public String text() {
    return "%s, blocks of %d%s%s"
        .formatted(
            name(scheme),
            block,
            zeroPoints ? ", with zero points" : "",
            doubleQuantized ? ", magnitudes in 8 bits" : "");
  }

  private static String name(Scheme scheme) {
    return scheme.name().toLowerCase(Locale.ROOT);
  }
}
