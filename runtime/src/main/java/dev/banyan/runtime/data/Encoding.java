package dev.banyan.runtime.data;

import java.util.Arrays;

/**
 * A text as token numbers. The arrays are not copied; nobody changes them.
 *
 * @see TextTokenizer
 */
public final class Encoding {
  private final long[] ids;
  private final long[] types;

  /**
   * An encoding of these tokens.
   *
   * @param ids token ids, special tokens included
   * @param types segment of each token: 0, or 1 in the second text of a pair
   * @throws IllegalArgumentException if the arrays differ in length
   */
  public Encoding(long[] ids, long[] types) {
    if (ids.length != types.length) {
      throw new IllegalArgumentException(ids.length + " ids and " + types.length + " types");
    }
    this.ids = ids;
    this.types = types;
  }

  /** Token ids. */
  public long[] ids() {
    return ids;
  }

  /** Segments. */
  public long[] types() {
    return types;
  }

  /** With so many tokens at most. The last stays, as it may be the one that ends every text. */
  public Encoding cut(int most) {
    if (length() <= most) {
      return this;
    }
    long[] fewerIds = Arrays.copyOf(ids, most);
    long[] fewerTypes = Arrays.copyOf(types, most);
    fewerIds[most - 1] = ids[ids.length - 1];
    fewerTypes[most - 1] = types[types.length - 1];
    return new Encoding(fewerIds, fewerTypes);
  }

  /** Number of tokens. */
  public int length() {
    return ids.length;
  }
}
