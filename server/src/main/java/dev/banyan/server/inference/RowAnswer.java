package dev.banyan.server.inference;

/** What the model says of one text. A class because records compare arrays by identity. */
public final class RowAnswer {
  private final float[] embedding;
  private final float[] logits;

  /** Takes over both arrays. */
  public RowAnswer(float[] embedding, float[] logits) {
    this.embedding = embedding;
    this.logits = logits;
  }

  /** {@code [hidden]}, of unit length. */
  public float[] embedding() {
    return embedding;
  }

  /** One number a label; empty if none were wanted. */
  public float[] logits() {
    return logits;
  }
}
