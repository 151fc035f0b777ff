package dev.banyan.runtime.inference;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which rows of a batch run together. All rows of a run are as long as its longest, so learned
 * tokens before a few texts would lengthen every text; where that costs more than a run of their
 * own, those texts get one.
 */
final class BatchParts {
  /** A run has costs of its own: so small a gain is none. */
  private static final double WORTH = 0.95;

  private BatchParts() {}

  /**
   * The rows of each run, by index.
   *
   * @param learned how many learned tokens stand before each row's text
   * @param longest tokens of the longest text, to which all are filled up
   */
  static List<List<Integer>> of(int[] learned, int longest) {
    int most = Arrays.stream(learned).max().orElse(0);
    long without = Arrays.stream(learned).filter(tokens -> tokens == 0).count();
    long rows = learned.length;
    double together = (double) rows * (longest + most);
    double apart = (double) without * longest + (double) (rows - without) * (longest + most);
    if (without == 0 || without == rows || apart > WORTH * together) {
      return List.of(rows(learned.length));
    }
    return List.of(
        rows(learned.length).stream().filter(row -> learned[row] == 0).toList(),
        rows(learned.length).stream().filter(row -> learned[row] > 0).toList());
  }

  private static List<Integer> rows(int count) {
    return IntStream.range(0, count).boxed().toList();
  }
}
