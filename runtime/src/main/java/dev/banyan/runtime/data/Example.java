package dev.banyan.runtime.data;

import java.util.Optional;

/**
 * One text of a data set.
 *
 * @param text the text
 * @param textPair the second text of a pair
 * @param label the label's name, or its number as text
 * @param line the line of the file it starts on, from 1; 0 where there is no file
 */
public record Example(String text, Optional<String> textPair, Optional<String> label, long line) {
  /** A text that comes from no file, as in a request. */
  public Example(String text, Optional<String> textPair, Optional<String> label) {
    this(text, textPair, label, 0);
  }

  /** A text alone. */
  public static Example of(String text) {
    return new Example(text, Optional.empty(), Optional.empty());
  }
}
