package dev.banyan.artifacts.bundle;

import java.util.List;
import java.util.OptionalInt;

/**
 * How text goes in.
 *
 * @param inputs the base model's inputs in its own order, such as {@code input_ids}; each int64
 *     {@code [batch, sequence]}
 * @param pooling how token vectors become one
 * @param maxLength tokens after which a text is cut
 * @param positions most tokens that the model can take, those of a prompt included; absent where it
 *     has no such bound
 */
public record TextInfo(List<String> inputs, Pooling pooling, int maxLength, OptionalInt positions) {
  /** Tokens that are left for a text at least: one between what begins and ends every text. */
  public static final int SHORTEST = 3;

  /** Copies the list. */
  public TextInfo {
    inputs = List.copyOf(inputs);
  }

  /** For a model whose bound is not known. */
  public TextInfo(List<String> inputs, Pooling pooling, int maxLength) {
    this(inputs, pooling, maxLength, OptionalInt.empty());
  }

  /**
   * Tokens after which a text is cut that stands behind learned ones; below 1 if there is no room
   * for any.
   *
   * @param learned how many tokens a prompt has
   */
  public int maxLengthBehind(int learned) {
    return positions.isPresent() ? Math.min(maxLength, positions.getAsInt() - learned) : maxLength;
  }
}
