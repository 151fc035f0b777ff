package dev.banyan.runtime.tally;

import java.util.Map;
import java.util.TreeMap;

/** How often each label was answered, was right, and both. */
final class Confusion {
  private static final class Counts {
    private int both;
    private int answered;
    private int right;
  }

  private final Map<Integer, Counts> labels = new TreeMap<>();
  private int size;
  private int correct;

  /** Counts one decision between labels. */
  void add(int answered, int right) {
    size++;
    correct += answered == right ? 1 : 0;
    count(right, answered == right, true);
    if (answered != right) {
      count(answered, true, false);
    }
  }

  /** Counts one decision for or against one label. */
  void count(int label, boolean answered, boolean right) {
    if (!answered && !right) {
      return;
    }
    Counts counts = labels.computeIfAbsent(label, _ -> new Counts());
    counts.answered += answered ? 1 : 0;
    counts.right += right ? 1 : 0;
    counts.both += answered && right ? 1 : 0;
  }

  int size() {
    return size;
  }

  double accuracy() {
    return (double) correct / Math.max(1, size);
  }

  /** The mean of the F1 of each label that was answered or right once; 0 if there is none. */
  double macroF1() {
    return labels.values().stream()
        .mapToDouble(counts -> 2.0 * counts.both / (counts.answered + counts.right))
        .average()
        .orElse(0);
  }

  /** The F1 over all labels' decisions together; 0 if there is none. */
  double microF1() {
    int both = labels.values().stream().mapToInt(counts -> counts.both).sum();
    int total = labels.values().stream().mapToInt(counts -> counts.answered + counts.right).sum();
    return total == 0 ? 0 : 2.0 * both / total;
  }
}
