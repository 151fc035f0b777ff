package dev.banyan.runtime.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The tokens of one example, of which some are learned. */
final class LearnedTokens {
  private final int limit;
  private long[] ids = new long[0];
  private boolean[] learned = new boolean[0];

  /**
   * @param limit tokens after which it is cut
   */
  LearnedTokens(int limit) {
    this.limit = limit;
  }

  /** Adds tokens behind the others, as far as there is room. */
  void add(long[] tokens, boolean areLearned) {
    int length = ids.length;
    int count = Math.min(tokens.length, limit - length);
    ids = Arrays.copyOf(ids, length + count);
    learned = Arrays.copyOf(learned, length + count);
    System.arraycopy(tokens, 0, ids, length, count);
    Arrays.fill(learned, length, length + count, areLearned);
  }

  /** Number of tokens. */
  int length() {
    return ids.length;
  }

  /** The tokens, which nobody changes. */
  long[] ids() {
    return ids;
  }

  /** How many tokens are learned: the first has nothing before it that could tell it. */
  long learned() {
    return labels().stream().filter(label -> label != Targets.IGNORED).count();
  }

  /** The token at each place that is learned there, else {@link Targets#IGNORED}. */
  List<Integer> labels() {
    List<Integer> labels = new ArrayList<>(ids.length);
    for (int i = 0; i < ids.length; i++) {
      labels.add(i > 0 && learned[i] ? Math.toIntExact(ids[i]) : Targets.IGNORED);
    }
    return labels;
  }
}
