package dev.banyan.runtime.tally;

import dev.banyan.runtime.data.Targets;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import java.util.ArrayList;
import java.util.List;

/** Numbers: those that a head gives, or the cosines of pairs. */
final class ValueTally implements Tally {
  private final Targets.Values targets;
  private final boolean cosines;
  private final List<Double> seen = new ArrayList<>();
  private final List<Double> wanted = new ArrayList<>();

  private ValueTally(Targets.Values targets, boolean cosines) {
    this.targets = targets;
    this.cosines = cosines;
  }

  /** Judged by the error: the numbers themselves are wanted. */
  static ValueTally ofNumbers(Targets.Values targets) {
    return new ValueTally(targets, false);
  }

  /** Judged by the order of the pairs, as embeddings are used for ranking. */
  static ValueTally ofCosines(Targets.Values targets) {
    return new ValueTally(targets, true);
  }

  @Override
  public void add(List<Integer> picked, List<float[]> answers) {
    for (int row = 0; row < picked.size(); row++) {
      wanted.add(targets.values().get(picked.get(row)));
      seen.add(
          cosines
              ? Logits.dot(answers.get(row), answers.get(picked.size() + row))
              : answers.get(row)[0]);
    }
  }

  @Override
  public Score score() {
    double error = 0;
    for (int i = 0; i < seen.size(); i++) {
      error += Math.pow(seen.get(i) - wanted.get(i), 2) / seen.size();
    }
    double pearson = Correlation.pearson(seen, wanted);
    double spearman = Correlation.spearman(seen, wanted);
    return cosines
        ? Score.of(Metric.SPEARMAN, spearman, error, seen.size())
            .with(Metric.PEARSON, pearson)
            .with(Metric.MSE, error)
        : Score.of(Metric.MSE, error, error, seen.size())
            .with(Metric.PEARSON, pearson)
            .with(Metric.SPEARMAN, spearman);
  }
}
