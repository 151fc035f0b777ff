package dev.banyan.runtime.training;

import dev.banyan.runtime.report.ProcessStats;
import java.util.ArrayList;
import java.util.List;

/** Remembers the steps of a run for its report, and passes every event on. */
final class StepLog implements TrainingListener {
  private final TrainingListener next;
  private final List<Float> losses = new ArrayList<>();
  private final List<Long> nanos = new ArrayList<>();
  private long tokens;
  private double firstStepSeconds;

  StepLog(TrainingListener next) {
    this.next = next;
  }

  /** Takes over the losses of the steps before an interruption. */
  void resume(List<Float> earlier) {
    losses.addAll(earlier);
  }

  @Override
  public void on(TrainingEvent event) {
    if (event instanceof TrainingEvent.Stepped step) {
      if (nanos.isEmpty()) {
        firstStepSeconds = ProcessStats.secondsSinceStart();
      }
      losses.add(step.loss());
      nanos.add(step.nanos());
      tokens += step.tokens();
    }
    next.on(event);
  }

  List<Float> losses() {
    return List.copyOf(losses);
  }

  double firstStepSeconds() {
    return firstStepSeconds;
  }

  List<Double> stepMillis() {
    return nanos.stream().map(time -> time / 1e6).toList();
  }

  double msPerStepMedian() {
    List<Long> sorted = nanos.stream().sorted().toList();
    int middle = sorted.size() / 2;
    long upper = sorted.get(middle);
    long lower = sorted.size() % 2 == 1 ? upper : sorted.get(middle - 1);
    return (lower + upper) / 2e6;
  }

  double tokensPerSecond() {
    return tokens / (nanos.stream().mapToLong(Long::longValue).sum() / 1e9);
  }
}
