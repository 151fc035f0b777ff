package dev.banyan.runtime.cli;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.WarmUp;
import dev.banyan.runtime.report.JsonOutput;
import dev.banyan.runtime.report.LossChart;
import dev.banyan.runtime.training.RunPlace;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code banyan train}: one adapter out of a bundle and a data set. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Train an adapter on a prepared bundle.",
    footer = {
      "",
      "Data, by the bundle's task: JSON lines, or CSV with a header that names the keys; UTF-8.",
      "  text-classification   {\"text\": .., \"label\": ..}               (and \"text_pair\")",
      "  multi-label           {\"text\": .., \"labels\": [..]}            (and \"text_pair\")",
      "  regression            {\"text\": .., \"score\": 1.5}              (and \"text_pair\")",
      "  token-classification  {\"tokens\": [..], \"labels\": [..]}",
      "  embedding             {\"text\": .., \"text_pair\": ..}, triplets and \"negative\", scored"
          + " and \"score\"",
      "",
      "An interrupted run leaves the last adapter that was kept, and goes on with --resume: the"
          + " result has",
      "the same bytes as that of a run that was not interrupted."
    })
public final class TrainCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--bundle",
      required = true,
      paramLabel = "DIR",
      description = "Bundle made by 'banyan prepare'.")
  private Path bundle = Path.of("");

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "What to learn: .jsonl or .csv.")
  private Path data = Path.of("");

  @Option(
      names = "--eval",
      paramLabel = "FILE",
      description = "Held-out examples: judged after each epoch, and the best adapter is kept.")
  private @Nullable Path eval;

  @Mixin private RunOptions run = new RunOptions();
  @Mixin private TrainingFlags flags = new TrainingFlags();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Option(
      names = "--chart",
      paramLabel = "FILE",
      description = "Also draw the loss over the steps as SVG.")
  private @Nullable Path chart;

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** A command with default flags; picocli sets the others. */
  public TrainCommand() {}

  @Override
  public Integer call() {
    CommandSpec own = java.util.Objects.requireNonNull(spec);
    WarmUp.begin();
    PrintWriter screen = own.commandLine().getOut();
    Bundle opened = Bundle.openVerified(bundle);
    TrainingData texts =
        new TrainingData(Dataset.read(data), Optional.ofNullable(eval).map(Dataset::read));
    ProgressLine progress = ProgressLine.on(own.commandLine().getErr(), json);
    TrainingReport report = trainer(own, opened, progress).train(texts, place(own));
    if (chart != null) {
      LossChart.Curve curve = new LossChart.Curve("loss", report.losses());
      new LossChart("Loss of " + run.out().getFileName(), List.of(curve)).write(chart);
    }
    if (json) {
      screen.println(JsonOutput.text(report.toJson()));
    } else {
      print(screen, report);
    }
    screen.flush();
    return 0;
  }

  private Trainer trainer(CommandSpec own, Bundle opened, ProgressLine progress) {
    try {
      TrainingPlan plan = flags.plan(compute.settings());
      return new Trainer(opened, plan, progress);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(own.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private RunPlace place(CommandSpec own) {
    try {
      return run.place();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(own.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private void print(PrintWriter screen, TrainingReport report) {
    screen.printf(
        Locale.ROOT,
        "Adapter   %s (%s)%nTrained   %,d parameters (%,d frozen), %d steps in %.1f s, %.0f ms a"
            + " step, %.0f tokens/s%nLoss      %.4f -> %.4f%n",
        run.out(),
        report.adapterDigest(),
        report.trainableParameters(),
        report.frozenParameters(),
        report.losses().size(),
        report.seconds(),
        report.msPerStepMedian(),
        report.tokensPerSecond(),
        report.losses().getFirst(),
        report.losses().getLast());
    report
        .eval()
        .ifPresent(
            score ->
                screen.printf(
                    "Held out  %s (epoch %d)%n", ProgressLine.text(score), report.bestEpoch()));
    screen.printf(Locale.ROOT, "Memory    %d MiB at most%n", report.peakRssMib());
  }
}
