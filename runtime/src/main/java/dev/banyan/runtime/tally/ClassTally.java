package dev.banyan.runtime.tally;

import dev.banyan.runtime.data.Targets;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import java.util.List;

/** Texts with one label each. A label counts in macro-F1 if it was right or answered once. */
final class ClassTally implements Tally {
  private final Targets.Classes targets;
  private final Confusion confusion = new Confusion();
  private double loss;

  ClassTally(Targets.Classes targets) {
    this.targets = targets;
  }

  @Override
  public void add(List<Integer> picked, List<float[]> answers) {
    for (int row = 0; row < picked.size(); row++) {
      float[] logits = answers.get(row);
      int right = targets.ids().get(picked.get(row));
      confusion.add(Logits.argmax(logits, 0, logits.length), right);
      loss += Logits.crossEntropy(logits, 0, logits.length, right);
    }
  }

  @Override
  public Score score() {
    int examples = confusion.size();
    return Score.of(Metric.ACCURACY, confusion.accuracy(), loss / examples, examples)
        .with(Metric.MACRO_F1, confusion.macroF1());
  }
}
