package dev.banyan.runtime.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.combine.AdapterCombination;
import dev.banyan.artifacts.combine.CombinedAdapter;
import dev.banyan.artifacts.combine.HeadChoice;
import dev.banyan.artifacts.combine.WeightedAdapter;
import dev.banyan.artifacts.integrity.JsonText;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code banyan combine}: one adapter of several. */
@Command(
    name = "combine",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Make one LoRA adapter of several, as PEFT's add_weighted_adapter does.",
    footer = {
      "",
      "svd              the weighted sum of what the adapters add, as near as a rank allows",
      "cat              that sum exactly, at the sum of their ranks",
      "linear           A and B summed by themselves: cheap, and not that sum",
      "ties             the largest elements, averaged over the sign that prevails",
      "dare_linear      elements dropped at random and made up for, summed",
      "dare_ties        the same, averaged over the sign that prevails",
      "magnitude_prune  the largest elements, summed",
      "",
      "The last four work on A and B; with _svd behind their names, on B times A."
    })
public final class CombineCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "DIR=WEIGHT",
      description = "An adapter and how much it counts, 1 if not given; once for each.")
  private List<String> adapters = List.of();

  @Mixin private CombineOptions recipe = new CombineOptions();

  @Option(
      names = "--head",
      paramLabel = "CHOICE",
      description =
          "Where the head, saved modules and biases are from: mean, first, or the folder of one of"
              + " the adapters (default: the mean, if all name the same labels).")
  private @Nullable String head;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The adapter to make; an older one there is replaced.")
  private Path out = Path.of("");

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** A command with default flags; picocli sets the others. */
  public CombineCommand() {}

  @Override
  public Integer call() {
    CommandSpec own = Objects.requireNonNull(spec);
    AdapterCombination combination = new AdapterCombination(read(), recipe.recipe(own), choice());
    CombinedAdapter combined = combination.combine();
    combined.adapter().write(out);
    PrintWriter screen = own.commandLine().getOut();
    if (json) {
      screen.println(JsonText.line(asJson(combination, combined)));
    } else {
      print(screen, combination, combined);
    }
    screen.flush();
    return 0;
  }

  private List<WeightedAdapter> read() {
    List<WeightedAdapter> read = new ArrayList<>();
    for (String adapter : adapters) {
      int sign = adapter.lastIndexOf('=');
      String name = folder(adapter);
      double weight = sign < 0 ? 1 : weight(adapter, adapter.substring(sign + 1));
      read.add(new WeightedAdapter(name, PeftAdapter.read(Path.of(name)), weight));
    }
    return read;
  }

  private static String folder(String adapter) {
    int sign = adapter.lastIndexOf('=');
    return sign < 0 ? adapter : adapter.substring(0, sign);
  }

  private double weight(String adapter, String text) {
    try {
      double weight = Double.parseDouble(text);
      if (Double.isFinite(weight)) {
        return weight;
      }
    } catch (NumberFormatException _) {
      // Said below.
    }
    throw wrong("--adapter %s: '%s' is no weight; expected DIR=0.7".formatted(adapter, text));
  }

  private HeadChoice choice() {
    if (head == null) {
      return new HeadChoice.MeanOfKnown();
    }
    return switch (head) {
      case "mean" -> new HeadChoice.Mean();
      case "first" -> new HeadChoice.Of(0);
      default -> new HeadChoice.Of(named(head));
    };
  }

  private int named(String name) {
    Path wanted = Path.of(name).normalize();
    for (int i = 0; i < adapters.size(); i++) {
      if (Path.of(folder(adapters.get(i))).normalize().endsWith(wanted)) {
        return i;
      }
    }
    throw wrong(
        "--head is %s; expected mean, first or one of the folders of --adapter".formatted(name));
  }

  private ParameterException wrong(String problem) {
    return new ParameterException(Objects.requireNonNull(spec).commandLine(), problem);
  }

  private void print(PrintWriter screen, AdapterCombination combination, CombinedAdapter combined) {
    List<String> labels = combined.adapter().metadata().labels();
    screen.printf(
        Locale.ROOT,
        "Combined by %s: %d layers of rank %d%n",
        combination.recipe().type().text(),
        combined.layers(),
        combined.adapter().lora().rank());
    screen.printf(
        Locale.ROOT,
        "  adapters  %s%n",
        combination.adapters().stream()
            .map(each -> each.weight() + " x " + each.name())
            .collect(Collectors.joining(", ")));
    if (!labels.isEmpty()) {
      screen.printf(Locale.ROOT, "  labels    %s%n", String.join(", ", labels));
    }
    screen.printf(
        Locale.ROOT,
        "  distance  %.3g from the weighted sum of what they add, relative to it%n",
        combined.distance());
    screen.printf(Locale.ROOT, "  written to %s%n", out);
  }

  private ObjectNode asJson(AdapterCombination combination, CombinedAdapter combined) {
    ObjectNode object =
        JsonText.object()
            .put("out", out.toString())
            .put("type", combination.recipe().type().text())
            .put("digest", combined.adapter().digest().toString())
            .put("layers", combined.layers())
            .put("rank", combined.adapter().lora().rank())
            .put("distance", combined.distance());
    combined.adapter().metadata().labels().forEach(object.putArray("labels")::add);
    return object;
  }
}
