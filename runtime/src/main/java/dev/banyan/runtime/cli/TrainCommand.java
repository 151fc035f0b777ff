package dev.banyan.runtime.cli;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.WarmUp;
import dev.banyan.runtime.log.RunLogs;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.training.RunIdentity;
import dev.banyan.runtime.training.RunPlace;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingListener;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
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
      "  causal-lm             {\"messages\": [{\"role\": .., \"content\": ..}]}, or {\"prompt\": ..,"
          + " \"completion\": ..},",
      "                        or {\"text\": ..}; what a prompt or a user says is not learned",
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

  @Option(names = "--data", paramLabel = "FILE", description = "What to learn: .jsonl or .csv.")
  private @Nullable Path data;

  @Option(
      names = "--eval",
      paramLabel = "FILE",
      description = "Held-out examples: judged after each epoch, and the best adapter is kept.")
  private @Nullable Path eval;

  @Option(
      names = "--jobs",
      paramLabel = "FILE",
      description =
          "Instead of --data and --out: several adapters, trained together in each step. A line for"
              + " each: {\"data\": .., \"out\": .., \"rank\": 4, ..}, with the flags of this"
              + " command as keys; what a line does not say, the command line does. The bundle is"
              + " one that was prepared with --gang.")
  private @Nullable Path jobs;

  @Option(
      names = "--together",
      paramLabel = "N",
      defaultValue = "8",
      description =
          "With --jobs: most jobs at the same time; one that ends makes room for the next (default:"
              + " ${DEFAULT-VALUE}).")
  private int together;

  @Mixin private RunOptions run = new RunOptions();
  @Mixin private TrainingFlags flags = new TrainingFlags();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** A command with default flags; picocli sets the others. */
  public TrainCommand() {}

  @Override
  public Integer call() {
    CommandSpec own = Objects.requireNonNull(spec);
    WarmUp.begin();
    PrintWriter screen = own.commandLine().getOut();
    if (jobs != null) {
      SessionSettings settings = checked(own, compute::settings);
      return new JobsRun(own, Bundle.openVerified(bundle), settings, json).run(jobs, together);
    }
    requireOneRun(own);
    Bundle opened = Bundle.openVerified(bundle);
    TrainingData texts =
        new TrainingData(
            Dataset.read(Objects.requireNonNull(data)),
            Optional.ofNullable(eval).map(Dataset::read));
    TrainingPlan plan = plan(own);
    TrainingReport report;
    try (RunLogs logs = run.logs(ProgressLine.on(own.commandLine().getErr(), json))) {
      report = trainer(own, opened, plan, logs).train(texts, place(own));
    }
    run.draw(report, () -> RunIdentity.of(opened, texts, plan));
    if (json) {
      screen.println(JsonText.line(report.toJson()));
    } else {
      print(screen, report);
    }
    screen.flush();
    return 0;
  }

  private void requireOneRun(CommandSpec own) {
    if (own.commandLine().getParseResult().hasMatchedOption("--together")) {
      throw new ParameterException(own.commandLine(), "--together is for --jobs");
    }
    if (data == null || !run.hasOut()) {
      throw new ParameterException(
          own.commandLine(),
          "Missing required option: " + (data == null ? "--data=FILE" : "--out=DIR"));
    }
  }

  private TrainingPlan plan(CommandSpec own) {
    TrainingPlan plan = checked(own, () -> flags.plan(compute.settings()));
    if (eval == null && plan.evaluations().every() > 0) {
      throw new ParameterException(own.commandLine(), "--eval-every needs --eval");
    }
    return plan;
  }

  private RunPlace place(CommandSpec own) {
    return checked(own, run::place);
  }

  private static Trainer trainer(
      CommandSpec own, Bundle bundle, TrainingPlan plan, TrainingListener listener) {
    return checked(own, () -> new Trainer(bundle, plan, listener));
  }

  /** A value out of range is a mistake in the command. */
  private static <T> T checked(CommandSpec own, Supplier<T> values) {
    try {
      return values.get();
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
