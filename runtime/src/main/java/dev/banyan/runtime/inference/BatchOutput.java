package dev.banyan.runtime.inference;

import java.util.Arrays;
import java.util.List;

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

  /**
   * The answers to a batch that ran in parts of the same length.
   *
   * @param indices of each part's rows in the batch
   * @param parts at least one
   */
  static BatchOutput joined(List<List<Integer>> indices, List<BatchOutput> parts) {
    if (parts.size() == 1) {
      return parts.getFirst();
    }
    BatchOutput first = parts.getFirst();
    int rows = parts.stream().mapToInt(BatchOutput::rows).sum();
    float[] embeddings = new float[first.embeddings.length / first.rows * rows];
    float[] logits = new float[first.logits.length / first.rows * rows];
    for (int i = 0; i < parts.size(); i++) {
      scatter(parts.get(i).embeddings, indices.get(i), embeddings);
      scatter(parts.get(i).logits, indices.get(i), logits);
    }
    return new BatchOutput(rows, embeddings, logits, first.positions);
  }

  private static void scatter(float[] from, List<Integer> rows, float[] to) {
    int each = from.length / rows.size();
    for (int row = 0; row < rows.size(); row++) {
      System.arraycopy(from, row * each, to, rows.get(row) * each, each);
    }
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
