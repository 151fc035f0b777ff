package dev.banyan.runtime.tally;

import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import java.util.List;

/** How little the next token surprises: the answers are the logarithms of its probabilities. */
final class NextTokenTally implements Tally {
  private double loss;
  private long tokens;
  private int examples;

  @Override
  public void add(List<Integer> picked, List<float[]> answers) {
    for (float[] answer : answers) {
      for (float logProbability : answer) {
        loss -= logProbability;
      }
      tokens += answer.length;
    }
    examples += picked.size();
  }

  @Override
  public Score score() {
    double mean = loss / tokens;
    return Score.of(Metric.PERPLEXITY, Math.exp(mean), mean, examples);
  }
}
