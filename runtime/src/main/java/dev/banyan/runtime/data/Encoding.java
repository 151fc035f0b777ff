package dev.banyan.runtime.data;

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

  /** Number of tokens. */
  public int length() {
    return ids.length;
  }
}
