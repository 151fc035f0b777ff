package dev.banyan.runtime.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.ArtifactException;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.RuntimeFailure;
import dev.banyan.runtime.data.DataRow;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.log.RunLogs;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.report.JsonOutput;
import dev.banyan.runtime.report.ProcessStats;
import dev.banyan.runtime.training.GangTrainer;
import dev.banyan.runtime.training.JobResult;
import dev.banyan.runtime.training.RunIdentity;
import dev.banyan.runtime.training.TrainingJob;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** {@code banyan train --jobs}: several adapters, trained together. */
final class JobsRun {
  /** Each job has its own. */
  private static final Set<String> OF_ONE_RUN =
      Set.of(
          "--data", "--eval", "--out", "--state", "--log", "--tensorboard", "--report", "--chart");

  private final CommandSpec command;
  private final Bundle bundle;
  private final SessionSettings settings;
  private final boolean json;
  private final long begin = System.nanoTime();

  /** A run of this command. */
  JobsRun(CommandSpec command, Bundle bundle, SessionSettings settings, boolean json) {
    this.command = command;
    this.bundle = bundle;
    this.settings = settings;
    this.json = json;
  }

  /**
   * Trains the jobs of a file.
   *
   * @param together most jobs at the same time
   * @return the exit code
   */
  int run(Path file, int together) {
    List<OptionSpec> defaults = defaults();
    List<JobFlags> flags =
        Dataset.read(file).rows().stream().map(row -> JobFlags.of(row, defaults)).toList();
    requireOwnPlaces(flags);
    List<RunLogs> logs = new ArrayList<>();
    try {
      List<TrainingJob> jobs = new ArrayList<>();
      for (JobFlags job : flags) {
        TrainingPlan plan = plan(job);
        RunLogs own = job.run().logs(ProgressLine.of(job.name(), err(), json));
        logs.add(own);
        jobs.add(new TrainingJob(job.name(), plan, job::data, job.run().place(), own));
      }
      List<JobResult> results = trainer(together).train(jobs, this::ended);
      for (int i = 0; i < flags.size(); i++) {
        draw(flags.get(i), results.get(i));
      }
      return print(results);
    } finally {
      logs.forEach(RunLogs::close);
    }
  }

  /** What the command line says for all jobs. */
  private List<OptionSpec> defaults() {
    List<OptionSpec> options = command.commandLine().getParseResult().matchedOptions();
    for (OptionSpec option : options) {
      String name = option.longestName();
      if (name.equals("--resume")) {
        throw refused(
            "--resume is not for --jobs: an interrupted job goes on alone, with its own --data,"
                + " --out and flags");
      }
      if (OF_ONE_RUN.contains(name)) {
        throw refused(name + " is for one run; with --jobs it is a key of each line");
      }
    }
    return options;
  }

  private ParameterException refused(String message) {
    return new ParameterException(command.commandLine(), message);
  }

  private void requireOwnPlaces(List<JobFlags> jobs) {
    Map<Path, DataRow> rows = new HashMap<>();
    for (JobFlags job : jobs) {
      DataRow earlier = rows.put(job.run().out().toAbsolutePath().normalize(), job.row());
      if (earlier != null) {
        throw job.row().bad("its 'out' is that of line " + earlier.line());
      }
    }
  }

  private TrainingPlan plan(JobFlags job) {
    try {
      return job.plan(settings);
    } catch (IllegalArgumentException e) {
      throw job.row().bad(String.valueOf(e.getMessage()));
    }
  }

  private GangTrainer trainer(int together) {
    try {
      return new GangTrainer(bundle, together, settings);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private PrintWriter err() {
    return command.commandLine().getErr();
  }

  /** Said at once: the others may go on for long. */
  private void ended(JobResult result) {
    if (!json) {
      err().println(line(result));
      err().flush();
    }
  }

  private void draw(JobFlags flags, JobResult result) {
    if (result instanceof JobResult.Trained(TrainingJob job, TrainingReport report)) {
      flags.run().draw(report, () -> RunIdentity.of(bundle, flags.data(), job.plan()));
    }
  }

  private int print(List<JobResult> results) {
    PrintWriter screen = command.commandLine().getOut();
    long trained = results.stream().filter(JobResult.Trained.class::isInstance).count();
    double seconds = (System.nanoTime() - begin) / 1e9;
    if (json) {
      screen.println(JsonText.line(toJson(results, seconds)));
    } else {
      results.forEach(result -> screen.println(line(result)));
      screen.printf(
          Locale.ROOT,
          "Jobs      %d of %d trained in %.1f s%nMemory    %d MiB at most%n",
          trained,
          results.size(),
          seconds,
          ProcessStats.peakRssMib());
    }
    screen.flush();
    return trained == results.size() ? 0 : 1;
  }

  private static String line(JobResult result) {
    return result.job().name()
        + ": "
        + switch (result) {
          case JobResult.Failed(_, RuntimeException reason) -> "failed: " + message(reason);
          case JobResult.Trained(_, TrainingReport report) ->
              String.format(
                  Locale.ROOT,
                  "trained, %d steps, loss %.4f -> %.4f%s (%s)",
                  report.losses().size(),
                  report.losses().getFirst(),
                  report.losses().getLast(),
                  report.eval().map(score -> ", held out " + ProgressLine.text(score)).orElse(""),
                  report.adapterDigest());
        };
  }

  private static String message(RuntimeException reason) {
    return switch (reason) {
      case RuntimeFailure known -> String.valueOf(known.getMessage());
      case ArtifactException known -> String.valueOf(known.getMessage());
      case IllegalArgumentException known -> String.valueOf(known.getMessage());
      case UncheckedIOException known -> known.getMessage() + " (" + known.getCause() + ")";
      default -> "this should not happen: " + reason;
    };
  }

  private static ObjectNode toJson(List<JobResult> results, double seconds) {
    ObjectNode all = JsonText.object();
    ArrayNode jobs = all.putArray("jobs");
    for (JobResult result : results) {
      ObjectNode job = jobs.addObject().put("out", result.job().name());
      switch (result) {
        case JobResult.Trained(_, TrainingReport report) -> job.setAll(report.toJson());
        case JobResult.Failed(_, RuntimeException reason) -> job.put("error", message(reason));
      }
    }
    return all.put("seconds", JsonOutput.round(seconds, 4))
        .put("peak_rss_mib", ProcessStats.peakRssMib());
  }
}
