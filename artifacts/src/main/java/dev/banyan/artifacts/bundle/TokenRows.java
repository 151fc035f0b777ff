package dev.banyan.artifacts.bundle;

import java.util.random.RandomGenerator;

/** Where soft prompts that start as tokens of the base have the tokens' embeddings from. */
public interface TokenRows {
  /**
   * Embeddings of some tokens.
   *
   * @param count how many tokens
   * @param size elements of an embedding
   * @param random draws the tokens, if they are drawn
   * @return {@code [count * size]}, token by token
   */
  float[] rows(int count, int size, RandomGenerator random);

  /** Small random numbers, for a start that nobody trains from. */
  static TokenRows none() {
    return (count, size, random) -> {
      float[] values = new float[count * size];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (0.02 * random.nextGaussian());
      }
      return values;
    };
  }
}
