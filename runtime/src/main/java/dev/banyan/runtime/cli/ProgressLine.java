package dev.banyan.runtime.cli;

import dev.banyan.runtime.report.Score;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingListener;
import java.io.Console;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Shows a run while it goes on: on a terminal one line that is written over and over, elsewhere a
 * line for each epoch.
 */
public final class ProgressLine implements TrainingListener {
  private static final long NANOS_BETWEEN_WRITES = 100_000_000;
  private static final int BAR = 20;

  private final String prefix;
  private final PrintWriter out;
  private final boolean overwrites;
  private final boolean silent;
  private int steps;
  private int stepsPerEpoch = 1;
  private int stepsSeen;
  private long tokens;
  private long nanos;
  private long lastWrite;
  private int lastLength;
  private double lossOfEpoch;
  private int stepsOfEpoch;

  ProgressLine(PrintWriter out, boolean overwrites, boolean silent) {
    this("", out, overwrites, silent);
  }

  private ProgressLine(String prefix, PrintWriter out, boolean overwrites, boolean silent) {
    this.prefix = prefix;
    this.out = out;
    this.overwrites = overwrites;
    this.silent = silent;
  }

  /**
   * A progress display on this writer.
   *
   * @param quietElsewhere whether to show nothing where there is no terminal
   */
  // Without a terminal the console is null on some JDKs and says so itself on others.
  @SuppressWarnings("SystemConsoleNull")
  public static ProgressLine on(PrintWriter out, boolean quietElsewhere) {
    Console console = System.console();
    boolean terminal = console != null && console.isTerminal();
    return new ProgressLine(out, terminal, !terminal && quietElsewhere);
  }

  /** A display of one of several jobs: lines that begin with its name. */
  static ProgressLine of(String job, PrintWriter out, boolean silent) {
    return new ProgressLine(job + ": ", out, false, silent);
  }

  @Override
  public void on(TrainingEvent event) {
    if (silent && !(event instanceof TrainingEvent.Interrupted)) {
      return;
    }
    switch (event) {
      case TrainingEvent.TextsCut cut ->
          line(
              "texts are cut after %d tokens, not %d: the learned ones before them take up places"
                  .formatted(cut.length(), cut.of()));
      case TrainingEvent.PrefixKept kept ->
          line(
              String.format(
                  Locale.ROOT,
                  "layers below the adapters: computed once for %d of %d texts and kept, %.1f MiB",
                  kept.texts(),
                  kept.of(),
                  kept.bytes() / (double) (1 << 20)));
      case TrainingEvent.Started started -> {
        steps = started.steps();
        stepsPerEpoch = started.stepsPerEpoch();
      }
      case TrainingEvent.Stepped step -> stepped(step);
      case TrainingEvent.Evaluated evaluated -> evaluated(evaluated);
      case TrainingEvent.Saved saved -> saved(saved);
      case TrainingEvent.StateSaved _ -> {}
      case TrainingEvent.StoppedEarly stopped ->
          line("stopped after epoch " + stopped.epoch() + ": the results no longer get better");
      case TrainingEvent.Interrupted interrupted ->
          line(
              "stopped after step %d of %d; go on with the same command and --resume"
                  .formatted(interrupted.step(), interrupted.steps()));
    }
  }

  private void stepped(TrainingEvent.Stepped step) {
    tokens += step.tokens();
    nanos += step.nanos();
    lossOfEpoch += step.loss();
    stepsOfEpoch++;
    stepsSeen++;
    long now = System.nanoTime();
    if (overwrites && (now - lastWrite >= NANOS_BETWEEN_WRITES || step.step() == steps)) {
      lastWrite = now;
      overwrite(progress(step));
    }
  }

  private String progress(TrainingEvent.Stepped step) {
    int done = BAR * step.step() / steps;
    long left = nanos / stepsSeen * (steps - step.step()) / 1_000_000_000;
    return String.format(
        Locale.ROOT,
        "[%s%s] step %d/%d  loss %.4f  %.0f tokens/s  %d:%02d left",
        "=".repeat(done),
        " ".repeat(BAR - done),
        step.step(),
        steps,
        step.loss(),
        tokens / (nanos / 1e9),
        left / 60,
        left % 60);
  }

  private void evaluated(TrainingEvent.Evaluated evaluated) {
    String kept = evaluated.best() ? "" : " (not better)";
    line(part(evaluated.step(), evaluated.epoch()) + ", " + text(evaluated.score()) + kept);
  }

  /** After an evaluation the line of the epoch is there already. */
  private void saved(TrainingEvent.Saved saved) {
    if (stepsOfEpoch > 0) {
      line(part(saved.step(), saved.epoch()) + ", adapter saved");
    }
  }

  /** What has passed since the last line: an epoch, or the steps between two evaluations. */
  private String part(int step, int epoch) {
    String where =
        step % stepsPerEpoch == 0 || step == steps
            ? "epoch %d/%d".formatted(epoch, Math.ceilDiv(steps, stepsPerEpoch))
            : "step %d/%d".formatted(step, steps);
    double mean = lossOfEpoch / Math.max(1, stepsOfEpoch);
    lossOfEpoch = 0;
    stepsOfEpoch = 0;
    return where + String.format(Locale.ROOT, ": mean loss %.4f", mean);
  }

  /** A score as people read it. */
  static String text(Score score) {
    return score.metrics().entrySet().stream()
            .map(
                metric ->
                    String.format(
                        Locale.ROOT, "%s %.4f", metric.getKey().title(), metric.getValue()))
            .collect(Collectors.joining(", "))
        + " over "
        + score.examples()
        + " examples";
  }

  private void overwrite(String text) {
    out.print("\r" + text + " ".repeat(Math.max(0, lastLength - text.length())));
    out.flush();
    lastLength = text.length();
  }

  private void line(String text) {
    if (overwrites) {
      overwrite(text);
      lastLength = 0;
      out.println();
    } else {
      out.println(prefix + text);
    }
    out.flush();
  }
}
