package dev.banyan.runtime.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** How many examples make a batch. */
public sealed interface BatchSize {
  /**
   * Always the same number, whatever their length.
   *
   * @param count examples a batch
   */
  record Examples(int count) implements BatchSize {
    /**
     * Checks the number.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Examples {
      if (count < 1) {
        throw new IllegalArgumentException("batch-size is " + count + "; expected 1 or more");
      }
    }

    @Override
    public int usual(int[] lengths) {
      return count;
    }

    @Override
    public int fits(int longest) {
      return count;
    }
  }

  /**
   * As many as fit into a number of tokens, padding included, so that every batch costs about the
   * same: many short texts or few long ones. A text that is longer than that is a batch of its own.
   *
   * @param budget tokens a batch
   */
  record Tokens(int budget) implements BatchSize {
    /**
     * Checks the number.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Tokens {
      if (budget < 1) {
        throw new IllegalArgumentException("batch-tokens is " + budget + "; expected 1 or more");
      }
    }

    @Override
    public int usual(int[] lengths) {
      double mean = Arrays.stream(lengths).average().orElse(1);
      return Math.max(1, (int) (budget / Math.max(1, mean)));
    }

    @Override
    public int fits(int longest) {
      return Math.max(1, budget / Math.max(1, longest));
    }
  }

  /** About how many examples of these lengths make a batch. */
  int usual(int[] lengths);

  /** How many examples of at most this length make a batch. */
  int fits(int longest);

  /**
   * Cuts a list into batches.
   *
   * @param order places of examples
   * @param lengths tokens of each example
   */
  default List<List<Integer>> cut(List<Integer> order, int[] lengths) {
    List<List<Integer>> batches = new ArrayList<>();
    int first = 0;
    while (first < order.size()) {
      int end = first + 1;
      int longest = lengths[order.get(first)];
      while (end < order.size() && end - first < fits(Math.max(longest, lengths[order.get(end)]))) {
        longest = Math.max(longest, lengths[order.get(end)]);
        end++;
      }
      batches.add(List.copyOf(order.subList(first, end)));
      first = end;
    }
    return batches;
  }
}
