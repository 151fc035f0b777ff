package dev.banyan.runtime.report;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How well held-out examples are answered.
 *
 * @param accuracy share of right answers, 0 to 1
 * @param macroF1 mean over the labels of each label's F1; empty where there are no labels
 * @param loss mean loss an example; NaN where it was not computed
 * @param examples number of examples
 */
public record Score(double accuracy, OptionalDouble macroF1, double loss, int examples) {
  /**
   * Scores a classifier. A label counts in the mean if it was right or was answered at least once.
   *
   * @param predicted class ids answered
   * @param actual the right ones, as many
   * @param loss mean loss, or NaN
   */
  public static Score ofLabels(List<Integer> predicted, List<Integer> actual, double loss) {
    int classes =
        1
            + Math.max(
                predicted.stream().mapToInt(Integer::intValue).max().orElseThrow(),
                actual.stream().mapToInt(Integer::intValue).max().orElseThrow());
    int[] right = new int[classes];
    int[] answered = new int[classes];
    int[] occurring = new int[classes];
    for (int i = 0; i < actual.size(); i++) {
      answered[predicted.get(i)]++;
      occurring[actual.get(i)]++;
      if (predicted.get(i).equals(actual.get(i))) {
        right[actual.get(i)]++;
      }
    }
    double f1 = 0;
    int seen = 0;
    int correct = 0;
    for (int label = 0; label < classes; label++) {
      int total = answered[label] + occurring[label];
      if (total > 0) {
        f1 += 2.0 * right[label] / total;
        seen++;
      }
      correct += right[label];
    }
    return new Score(
        (double) correct / actual.size(), OptionalDouble.of(f1 / seen), loss, actual.size());
  }

  /**
   * Scores a retrieval: a text is right if no other partner of its batch is nearer than its own.
   *
   * @param embeddings {@code [2 * pairs, hidden]}, of length 1: the texts, then their partners
   * @return number of texts that are right
   */
  public static int retrieved(float[] embeddings, int pairs) {
    int hidden = embeddings.length / (2 * pairs);
    int right = 0;
    for (int text = 0; text < pairs; text++) {
      float[] similarities = new float[pairs];
      for (int partner = 0; partner < pairs; partner++) {
        for (int i = 0; i < hidden; i++) {
          similarities[partner] +=
              embeddings[text * hidden + i] * embeddings[(pairs + partner) * hidden + i];
        }
      }
      if (argmax(similarities, 0, pairs) == text) {
        right++;
      }
    }
    return right;
  }

  /** The place of the highest of some values, counted from the first of them. */
  public static int argmax(float[] values, int start, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) {
      if (values[start + i] > values[start + best]) {
        best = i;
      }
    }
    return best;
  }

  /** Whether this one is to be preferred: more right answers, or as many at a lower loss. */
  public boolean betterThan(Score other) {
    return accuracy != other.accuracy ? accuracy > other.accuracy : loss < other.loss;
  }

  /** The keys that {@code train --json} and {@code evaluate --json} print. */
  public ObjectNode toJson() {
    ObjectNode json = JsonOutput.object().put("accuracy", accuracy);
    macroF1.ifPresent(f1 -> json.put("macro_f1", f1));
    if (!Double.isNaN(loss)) {
      json.put("loss", JsonOutput.round(loss, 7));
    }
    return json.put("examples", examples);
  }
}
