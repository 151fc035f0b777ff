package dev.banyan.runtime.data;

import java.util.List;

/**
 * Words as token numbers.
 *
 * @param encoding the tokens
 * @param words for each token the place of the word that it is a piece of; -1 for special tokens
 */
public record WordEncoding(Encoding encoding, List<Integer> words) {
  /** Copies the list. */
  public WordEncoding {
    words = List.copyOf(words);
  }
}
