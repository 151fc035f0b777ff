package dev.banyan.graph.training;

import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Random tokens in ragged rows. */
public final class RandomBatch {
  private final int rows;
  private final int length;
  private final long[] ids;
  private final long[] mask;

  private RandomBatch(int rows, long[] ids, long[] mask) {
    this.rows = rows;
    this.length = ids.length / rows;
    this.ids = ids;
    this.mask = mask;
  }

  /**
   * Draws a batch. The first row is full; ids are from the upper half of the vocabulary, where no
   * special tokens are.
   *
   * @param length tokens of each row, padding included
   */
  public static RandomBatch of(SplittableRandom random, long vocabulary, int rows, int length) {
    long[] ids = new long[rows * length];
    long[] mask = new long[rows * length];
    for (int row = 0; row < rows; row++) {
      int tokens = row == 0 ? length : random.nextInt(1, length + 1);
      for (int i = 0; i < length; i++) {
        ids[row * length + i] = random.nextLong(vocabulary / 2, vocabulary);
        mask[row * length + i] = i < tokens ? 1 : 0;
      }
    }
    return new RandomBatch(rows, ids, mask);
  }

  /** Number of rows. */
  public int rows() {
    return rows;
  }

  /** Tokens of each row, padding included. */
  public int length() {
    return length;
  }

  /** True for a token, false for padding. */
  boolean isToken(int row, int position) {
    return mask[row * length + position] == 1;
  }

  /** One row alone. */
  RandomBatch row(int row) {
    int from = row * length;
    return new RandomBatch(
        1,
        Arrays.copyOfRange(ids, from, from + length),
        Arrays.copyOfRange(mask, from, from + length));
  }

  /** The tensor for an encoder's input of this name, int64 {@code [rows, length]}. */
  public NativeTensor feed(TensorScope scope, String input) {
    long[] values =
        switch (input) {
          case "input_ids" -> ids;
          case "attention_mask" -> mask;
          default -> new long[ids.length];
        };
    return scope.longs(values, rows, length);
  }
}
