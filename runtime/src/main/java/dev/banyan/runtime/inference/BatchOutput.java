package dev.banyan.runtime.inference;

import java.util.Arrays;

/** The answers to a batch, row by row. */
public final class BatchOutput {
  private final int rows;
  private final float[] embeddings;
  private final float[] logits;

  /**
   * @param embeddings {@code [rows, hidden]}
   * @param logits {@code [rows, max labels]}; empty where the base has no head
   */
  BatchOutput(int rows, float[] embeddings, float[] logits) {
    this.rows = rows;
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
   * The scores of a row before softmax.
   *
   * @param labels number of labels of the row's adapter
   * @throws IllegalArgumentException if there are fewer than so many
   */
  public float[] logits(int row, int labels) {
    return part(logits, row, labels);
  }

  /** The vectors of all rows, {@code [rows, hidden]}. */
  float[] embeddings() {
    return embeddings;
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
