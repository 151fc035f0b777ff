package dev.banyan.graph.training;

/** Logarithms of the probabilities that scores stand for, summed in double precision. */
public final class LogProbability {
  private LogProbability() {}

  /**
   * That of one token.
   *
   * @param logits {@code [rows, vocabulary]}
   * @param row whose scores count
   */
  public static double of(float[] logits, int row, int vocabulary, long token) {
    int from = row * vocabulary;
    double highest = Double.NEGATIVE_INFINITY;
    for (int i = from; i < from + vocabulary; i++) {
      highest = Math.max(highest, logits[i]);
    }
    double sum = 0;
    for (int i = from; i < from + vocabulary; i++) {
      sum += Math.exp(logits[i] - highest);
    }
    return logits[from + Math.toIntExact(token)] - highest - Math.log(sum);
  }
}
