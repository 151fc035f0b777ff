package dev.banyan.server.inference;

import dev.banyan.artifacts.bundle.Task;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What a head says of one text.
 *
 * @param ranked every label of the adapter, the highest score first
 */
public record Scores(List<Score> ranked) {
  /**
   * One label.
   *
   * @param label its name
   * @param score how likely it is, between 0 and 1; of a regression, the number itself
   */
  public record Score(String label, float score) {}

  /** Copies the list. */
  public Scores {
    ranked = List.copyOf(ranked);
  }

  /**
   * Scores by the task of the adapter: of one label for each text their softmax, which adds up to
   * 1; of many the sigmoid of each for itself; of a regression the number.
   *
   * @param labels at least one name, index = class
   * @param logits one number a label
   * @throws IllegalArgumentException if the task's heads do not label texts
   */
  public static Scores of(Task task, List<String> labels, float[] logits) {
    return switch (task) {
      case TEXT_CLASSIFICATION -> ranked(labels, softmax(logits));
      case MULTI_LABEL -> ranked(labels, sigmoid(logits));
      case REGRESSION -> ranked(labels, logits);
      case TOKEN_CLASSIFICATION, EMBEDDING, CAUSAL_LM ->
          throw new IllegalArgumentException("No labels of texts from " + task.text());
    };
  }

  private static Scores ranked(List<String> labels, float[] values) {
    List<Score> scores = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      scores.add(new Score(labels.get(i), values[i]));
    }
    scores.sort(Comparator.comparingDouble(Score::score).reversed());
    return new Scores(scores);
  }

  private static float[] softmax(float[] logits) {
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
    float[] scores = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      scores[i] = (float) (weights[i] / sum);
    }
    return scores;
  }

  /** Of a very negative logit exp() is infinite, and the quotient 0 as it should be. */
  private static float[] sigmoid(float[] logits) {
    float[] scores = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      scores[i] = (float) (1 / (1 + Math.exp(-logits[i])));
    }
    return scores;
  }

  /** The label with the highest score. */
  public Score top() {
    return ranked.getFirst();
  }
}
