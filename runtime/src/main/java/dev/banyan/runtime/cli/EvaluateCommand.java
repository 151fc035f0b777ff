package dev.banyan.runtime.cli;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.AdapterEvaluation;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.inference.WarmUp;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.report.Score;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code banyan evaluate}: how well an adapter answers a data set. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Judge an adapter by a data set, through the path that serves requests.",
    footer = {
      "",
      "Data is what 'banyan train' takes for the bundle's task.",
      "Accuracy of the embedding task: the share of texts whose own partner is the nearest of its"
          + " batch."
    })
public final class EvaluateCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--bundle",
      required = true,
      paramLabel = "DIR",
      description = "Bundle made by 'banyan prepare'.")
  private Path bundle = Path.of("");

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "DIR",
      description = "Adapter made by 'banyan train' or by PEFT.")
  private Path adapter = Path.of("");

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "Examples with labels (or pairs): .jsonl or .csv.")
  private Path data = Path.of("");

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "32",
      description = "Examples a run (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** A command with default flags; picocli sets the others. */
  public EvaluateCommand() {}

  @Override
  public Integer call() {
    CommandSpec own = Objects.requireNonNull(spec);
    if (batchSize < 1) {
      throw new ParameterException(
          own.commandLine(), "--batch-size is " + batchSize + "; expected 1 or more");
    }
    WarmUp.begin();
    Score score = score(Bundle.openVerified(bundle), PeftAdapter.read(adapter), settings(own));
    PrintWriter screen = own.commandLine().getOut();
    screen.println(json ? JsonText.line(score.toJson()) : ProgressLine.text(score));
    screen.flush();
    return 0;
  }

  private SessionSettings settings(CommandSpec own) {
    try {
      return compute.settings();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(own.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private Score score(Bundle opened, PeftAdapter peft, SessionSettings settings) {
    Dataset examples = Dataset.read(data);
    AdapterWeights weights = AdapterWeights.fit(peft, opened, ServingPlan.anySize());
    // One slot, exactly as large as this adapter needs.
    ServingPlan plan = new ServingPlan(1, weights.sizes(), settings);
    try (BaseModel model = BaseModel.open(opened, plan)) {
      model.bank().write(1, weights);
      return new AdapterEvaluation(model, 1, batchSize).score(examples, names(peft, weights));
    }
  }

  /** PEFT's files name no labels; data for them numbers the classes. */
  private static List<String> names(PeftAdapter peft, AdapterWeights weights) {
    return peft.metadata().labels().isEmpty()
        ? IntStream.range(0, weights.labels().size()).mapToObj(Integer::toString).toList()
        : weights.labels();
  }
}
