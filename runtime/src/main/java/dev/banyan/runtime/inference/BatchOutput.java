package dev.banyan.runtime.inference;

import java.util.Arrays;

/** The answers to a batch, row by row. */
public final class BatchOutput {
  private final int rows;
  private final float[] embeddings;
  private final float[] logits;
  private final int positions;

  /**
   * @param embeddings {@code [rows, hidden]}
   * @param logits {@code [rows, positions, max labels]}; empty where the base has no head
   * @param positions 1 where a text has one answer; where each token has its own, the tokens of a
   *     row
   */
  BatchOutput(int rows, float[] embeddings, float[] logits, int positions) {
    this.rows = rows;
    this.positions = positions;
    this.embeddings = embeddings;
    this.logits = logits;
  }

  /** Number of rows. */
  public int rows() {
    return rows;
  }

  /** The pooled vector of a row, of length 1 by the Euclidean norm. */
  public float[] embedding(int row) {
    return part(embeddings, row, embeddings.length / rows);
  }

  /**
   * The scores of a row before softmax: {@code [labels]}, or where each token has its own {@code
   * [length, labels]}, padding included.
   *
   * @param labels number of labels of the row's adapter
   * @throws IllegalArgumentException if there are fewer than so many
   */
  public float[] logits(int row, int labels) {
    int each = logits.length / rows / positions;
    float[] padded = part(logits, row, logits.length / rows);
    if (labels > each) {
      throw new IllegalArgumentException(
          "%d labels are asked for, and the base has room for %d".formatted(labels, each));
    }
    float[] own = new float[positions * labels];
    for (int position = 0; position < positions; position++) {
      System.arraycopy(padded, position * each, own, position * labels, labels);
    }
    return own;
  }

  private float[] part(float[] all, int row, int count) {
    int stride = all.length / rows;
    if (row < 0 || row >= rows || count > stride) {
      throw new IllegalArgumentException(
          "Row %d with %d values of a batch of %d rows with %d"
              .formatted(row, count, rows, stride));
    }
    return Arrays.copyOfRange(all, row * stride, row * stride + count);
  }
}
