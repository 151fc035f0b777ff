package dev.banyan.runtime.tally;

import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.Targets;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import java.util.ArrayList;
import java.util.List;

/** Words with a label each; where the labels are of the BIO form, also the entities they make. */
final class TagTally implements Tally {
  private final Targets.Tags targets;
  private final LabelSet labels;
  private final Confusion words = new Confusion();
  private int examples;
  private int found;
  private int answered;
  private int right;
  private double loss;

  TagTally(Targets.Tags targets, LabelSet labels) {
    this.targets = targets;
    this.labels = labels;
  }

  @Override
  public void add(List<Integer> picked, List<float[]> answers) {
    for (int row = 0; row < picked.size(); row++) {
      add(targets.ids().get(picked.get(row)), answers.get(row));
    }
  }

  private void add(List<Integer> tags, float[] logits) {
    int count = labels.size();
    List<String> seen = new ArrayList<>();
    List<String> wanted = new ArrayList<>();
    for (int token = 0; token < tags.size(); token++) {
      int tag = tags.get(token);
      if (tag != Targets.IGNORED) {
        int best = Logits.argmax(logits, token * count, count);
        words.add(best, tag);
        loss += Logits.crossEntropy(logits, token * count, count, tag);
        seen.add(labels.names().get(best));
        wanted.add(labels.names().get(tag));
      }
    }
    examples++;
    var entities = Entities.of(seen);
    var expected = Entities.of(wanted);
    answered += entities.size();
    right += expected.size();
    entities.retainAll(expected);
    found += entities.size();
  }

  @Override
  public Score score() {
    double mean = loss / Math.max(1, words.size());
    if (!Entities.areMarkedBy(labels.names())) {
      return Score.of(Metric.ACCURACY, words.accuracy(), mean, examples)
          .with(Metric.MACRO_F1, words.macroF1());
    }
    int total = answered + right;
    return Score.of(Metric.ENTITY_F1, total == 0 ? 0 : 2.0 * found / total, mean, examples)
        .with(Metric.ACCURACY, words.accuracy());
  }
}
