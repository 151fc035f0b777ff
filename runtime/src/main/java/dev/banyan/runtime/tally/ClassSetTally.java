package dev.banyan.runtime.tally;

import dev.banyan.runtime.data.Targets;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Texts with any number of labels: a label is answered if its probability is above one half. */
final class ClassSetTally implements Tally {
  private final Targets.ClassSets targets;
  private final Confusion confusion = new Confusion();
  private int examples;
  private int exact;
  private double loss;

  ClassSetTally(Targets.ClassSets targets) {
    this.targets = targets;
  }

  @Override
  public void add(List<Integer> picked, List<float[]> answers) {
    for (int row = 0; row < picked.size(); row++) {
      add(answers.get(row), new HashSet<>(targets.ids().get(picked.get(row))));
    }
  }

  private void add(float[] logits, Set<Integer> right) {
    boolean all = true;
    for (int label = 0; label < logits.length; label++) {
      boolean answered = logits[label] > 0;
      boolean wanted = right.contains(label);
      confusion.count(label, answered, wanted);
      all &= answered == wanted;
      loss += Logits.binaryCrossEntropy(logits[label], wanted) / logits.length;
    }
    exact += all ? 1 : 0;
    examples++;
  }

  @Override
  public Score score() {
    return Score.of(Metric.MICRO_F1, confusion.microF1(), loss / examples, examples)
        .with(Metric.MACRO_F1, confusion.macroF1())
        .with(Metric.EXACT_MATCH, (double) exact / examples);
  }
}
