package dev.banyan.runtime.cli;

import dev.banyan.runtime.log.JsonLinesLog;
import dev.banyan.runtime.log.RunLogs;
import dev.banyan.runtime.log.RunPage;
import dev.banyan.runtime.log.TensorBoardLog;
import dev.banyan.runtime.report.LossChart;
import dev.banyan.runtime.training.RunIdentity;
import dev.banyan.runtime.training.RunPlace;
import dev.banyan.runtime.training.TrainingListener;
import dev.banyan.runtime.training.TrainingReport;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a run leaves its result and its state, as flags. */
final class RunOptions {
  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where the adapter goes (PEFT's layout); an adapter there is replaced.")
  private @Nullable Path out;

  @Option(
      names = "--resume",
      description = "Go on where an interrupted run of the same command has saved its state.")
  private boolean resume;

  @Option(
      names = "--save-every",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Save the state after every N steps too; 0 for only at the end of each epoch (default:"
              + " ${DEFAULT-VALUE}).")
  private int saveEvery;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "Where the state lies until the run has ended (default: hidden beside --out,"
              + " .<name>.state).")
  private @Nullable Path state;

  @Option(
      names = "--log",
      paramLabel = "FILE",
      description = "Also write a line of JSON for every step, evaluation and save.")
  private @Nullable Path log;

  @Option(
      names = "--tensorboard",
      paramLabel = "DIR",
      description = "Also write event files for TensorBoard.")
  private @Nullable Path tensorboard;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Also write one HTML page with curves, results, settings and digests.")
  private @Nullable Path report;

  @Option(
      names = "--chart",
      paramLabel = "FILE",
      description = "Also draw the loss over the steps as SVG.")
  private @Nullable Path chart;

  private final RunPage page = new RunPage();

  /** Whether there is a place for the adapter. */
  boolean hasOut() {
    return out != null;
  }

  /** The place of the adapter, which a command has asked for. */
  Path out() {
    return Objects.requireNonNull(out);
  }

  /** The logs these flags ask for. */
  RunLogs logs(TrainingListener progress) {
    RunLogs logs = new RunLogs();
    logs.add(progress);
    if (log != null) {
      logs.add(new JsonLinesLog(log));
    }
    if (tensorboard != null) {
      logs.add(new TensorBoardLog(tensorboard));
    }
    if (report != null) {
      logs.add(page);
    }
    return logs;
  }

  /**
   * Writes the pictures of a run that has ended.
   *
   * @param identity asked only if it is shown, as it reads all examples
   */
  void draw(TrainingReport result, Supplier<RunIdentity> identity) {
    if (chart != null) {
      LossChart.Curve curve = new LossChart.Curve("loss", result.losses());
      new LossChart("Loss of " + out().getFileName(), List.of(curve)).write(chart);
    }
    if (report != null) {
      page.write(report, out(), result, identity.get());
    }
  }

  /**
   * The place these flags name.
   *
   * @throws IllegalArgumentException that names the flag that is out of range
   */
  RunPlace place() {
    return new RunPlace(out(), state == null ? RunPlace.stateOf(out()) : state, saveEvery, resume);
  }
}
