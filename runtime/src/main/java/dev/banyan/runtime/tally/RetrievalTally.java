package dev.banyan.runtime.tally;

import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import java.util.List;

/**
 * Texts that belong together: one is right if no other candidate of its batch is nearer than its
 * own partner. Candidates are the partners of all texts and what does not belong to any.
 */
final class RetrievalTally implements Tally {
  private final EmbeddingInfo info;
  private int examples;
  private int right;
  private double loss;

  RetrievalTally(EmbeddingInfo info) {
    this.info = info;
  }

  @Override
  public void add(List<Integer> picked, List<float[]> answers) {
    int texts = picked.size();
    int candidates = answers.size() - texts;
    for (int text = 0; text < texts; text++) {
      float[] similarities = new float[candidates];
      for (int i = 0; i < candidates; i++) {
        double cosine = Logits.dot(answers.get(text), answers.get(texts + i));
        similarities[i] = (float) (cosine / info.temperature());
      }
      right += Logits.argmax(similarities, 0, candidates) == text ? 1 : 0;
      loss += Logits.crossEntropy(similarities, 0, candidates, text);
    }
    examples += texts;
  }

  @Override
  public Score score() {
    return Score.of(Metric.ACCURACY, (double) right / examples, loss / examples, examples);
  }
}
