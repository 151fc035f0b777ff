package dev.banyan.runtime.data;

import java.util.Optional;

/**
 * What a model reads at once.
 *
 * @param text the text
 * @param pair the second text, where two are read together
 */
public record Text(String text, Optional<String> pair) {
  /** A text alone. */
  public static Text of(String text) {
    return new Text(text, Optional.empty());
  }
}
