package dev.banyan.server.compare;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.AtomicFiles;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.MethodChoice;
import dev.banyan.runtime.cli.ComputeOptions;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code banyan compare}: the same data with several methods. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Train the same data with several adapter methods, each in the way that is usual for it, and"
          + " write a table and a picture: how well each answers, how much it trains, what training"
          + " takes and what serving costs.",
      "Every method gets a bundle of its own, and every training a process of its own."
    })
public final class CompareCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Mixin private BaseOptions base = new BaseOptions();

  @Option(
      names = "--methods",
      paramLabel = "NAME,..|all",
      defaultValue = "all",
      description =
          "Methods with their usual settings; a plus joins several in one adapter: lora+bitfit"
              + " (default: ${DEFAULT-VALUE}).")
  private String methods = "all";

  @Option(
      names = "--method",
      paramLabel = "NAME:KEY=VALUE;..",
      description = "One more method, with settings of its own, as in 'banyan prepare'.")
  private List<String> more = List.of();

  @Option(names = "--data", required = true, paramLabel = "FILE", description = "What is learned.")
  private Path data = Path.of("");

  @Option(
      names = "--eval",
      required = true,
      paramLabel = "FILE",
      description = "Held-out examples, asked once after each training.")
  private Path eval = Path.of("");

  @Option(
      names = "--epochs",
      defaultValue = "3",
      paramLabel = "N",
      description = "Passes over the data (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--batch-size",
      defaultValue = "16",
      paramLabel = "N",
      description = "Examples a step (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--seeds",
      defaultValue = "42",
      split = ",",
      paramLabel = "N",
      description = "A run for each (default: ${DEFAULT-VALUE}).")
  private List<Long> seeds = List.of();

  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Where table.md, table.json, picture.svg, the bundles and adapters are left.")
  private Path out = Path.of("");

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** A command that picocli fills. */
  public CompareCommand() {}

  @Override
  public Integer call() {
    if (spec == null) {
      throw new IllegalStateException("A command is called by picocli");
    }
    PrintWriter screen = spec.commandLine().getOut();
    PrintWriter progress = json ? spec.commandLine().getErr() : screen;
    ComparisonPlan plan = plan();
    List<Compared> rows =
        new Comparison(
                plan,
                line -> {
                  progress.println(line);
                  progress.flush();
                })
            .run();
    ComparisonTable table = new ComparisonTable(plan, rows);
    write("table.md", table.markdown());
    write("table.json", JsonText.line(table.json()) + "\n");
    write("picture.svg", new ComparisonPicture(rows).svg());
    screen.println(json ? JsonText.line(table.json()) : "\n" + table.markdown());
    screen.flush();
    return rows.stream().allMatch(row -> row.figures().isPresent()) ? 0 : 1;
  }

  private void write(String name, String text) {
    AtomicFiles.write(out.resolve(name), text.getBytes(StandardCharsets.UTF_8));
  }

  private ComparisonPlan plan() {
    try {
      ComparisonPlan.Source source = base.source();
      ComparisonPlan plan =
          new ComparisonPlan(
              source,
              chosen(source.task()),
              new ComparisonPlan.Data(data, eval),
              new ComparisonPlan.Passes(epochs, batch, seeds),
              compute.settings(),
              out);
      // A mistake in the last method should not show after all others were trained.
      plan.methods().forEach(method -> plan.request(plan.choices(method), out));
      return plan;
    } catch (IllegalArgumentException e) {
      throw refused("--" + e.getMessage());
    }
  }

  private List<String> chosen(Task task) {
    List<String> chosen = new ArrayList<>();
    if (methods.equals("all")) {
      Arrays.stream(MethodName.values())
          .filter(name -> name != MethodName.HEAD || task.head() != Task.Head.NONE)
          .map(MethodChoice::usual)
          .forEach(chosen::add);
    } else {
      chosen.addAll(Arrays.asList(methods.split(",")));
    }
    chosen.addAll(more);
    return chosen;
  }

  private ParameterException refused(String message) {
    if (spec == null) {
      throw new IllegalStateException("A command is called by picocli");
    }
    return new ParameterException(spec.commandLine(), message);
  }
}
