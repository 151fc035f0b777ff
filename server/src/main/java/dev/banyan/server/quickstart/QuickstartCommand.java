package dev.banyan.server.quickstart;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.banyan.runtime.inference.WarmUp;
import dev.banyan.runtime.report.LossChart;
import dev.banyan.runtime.report.ProcessStats;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.Callable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code banyan quickstart}: the steps in their order; each step is a class of its own. */
@Command(
    name = "quickstart",
    description =
        "Show it all on an embedded model: prepare it, train three tenants, serve them together.",
    mixinStandardHelpOptions = true)
public final class QuickstartCommand implements Callable<Integer> {
  @Option(
      names = "--runs",
      paramLabel = "DIR",
      description = "Where the run is left (default: ${DEFAULT-VALUE}).")
  private Path runs = Path.of("runs");

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the trainings (default: ${DEFAULT-VALUE}).")
  private long seed = 42;

  @Option(names = "--stay", description = "Keep the server up at the end and print calls to try.")
  private boolean stay;

  @Override
  public Integer call() {
    quietLog();
    WarmUp.begin();
    Screen screen = new Screen();
    Path run =
        runs.resolve(
            LocalDateTime.now(ZoneId.systemDefault())
                .format(DateTimeFormatter.ofPattern("yyyy-MM-dd_HH-mm-ss")));
    EmbeddedFiles files = new EmbeddedFiles(run.resolve("inputs"));

    screen.heading("1. Prepare all-MiniLM-L6-v2 for adapters");
    Preparation preparation = new Preparation(screen, files, run.resolve("bundles"));
    preparation.run();

    screen.heading("2. Train an adapter for each tenant, and judge it by texts it never saw");
    Training training = new Training(screen, files, preparation.bundles(), seed);
    training.run(run);

    screen.heading("3. Serve all of them over one base");
    try (Serving serving = new Serving(screen, files, preparation.servingBundle(), run)) {
      Summary.Serving served = serving.run();
      Summary summary =
          new Summary(
              preparation.figures(), training.figures(), served, ProcessStats.secondsSinceStart());
      leave(screen, run, summary, training.curves());
      if (stay) {
        serving.stay();
      }
    }
    return 0;
  }

  /** The server's notes would stand between the lines of the quickstart. */
  private static void quietLog() {
    if (LoggerFactory.getLogger("dev.banyan") instanceof Logger log) {
      log.setLevel(Level.WARN);
    }
  }

  private static void leave(
      Screen screen, Path run, Summary summary, List<LossChart.Curve> curves) {
    new LossChart("Training loss", curves).write(run.resolve("loss.svg"));
    summary.write(run.resolve("summary.json"));
    screen.heading(
        "Done in %.0f s with at most %d MiB of memory."
            .formatted(summary.seconds(), ProcessStats.peakRssMib()));
    screen.line("%s/summary.json  every figure above".formatted(run));
    screen.line("%s/loss.svg      loss curves".formatted(run));
    screen.line("%s/adapters      the adapters, in PEFT's layout".formatted(run));
  }
}
