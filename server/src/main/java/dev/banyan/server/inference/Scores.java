package dev.banyan.server.inference;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * How likely each label is for one text.
 *
 * @param ranked every label of the adapter, the most likely first; the scores add up to 1
 */
public record Scores(List<Score> ranked) {
  /**
   * One label.
   *
   * @param label its name
   * @param score between 0 and 1
   */
  public record Score(String label, float score) {}

  /** Copies the list. */
  public Scores {
    ranked = List.copyOf(ranked);
  }

  /**
   * The softmax of logits.
   *
   * @param labels at least one name, index = class
   * @param logits one number a label
   */
  public static Scores of(List<String> labels, float[] logits) {
    // Shifted by the largest logit, so that exp() cannot overflow.
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double[] weights = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      weights[i] = Math.exp(logits[i] - largest);
      sum += weights[i];
    }
    List<Score> scores = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      scores.add(new Score(labels.get(i), (float) (weights[i] / sum)));
    }
    scores.sort(Comparator.comparingDouble(Score::score).reversed());
    return new Scores(scores);
  }

  /** The most likely label. */
  public Score top() {
    return ranked.getFirst();
  }
}
