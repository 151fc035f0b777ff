package dev.banyan.graph.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.training.MethodCounts;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code banyan methods}: lists the adapter methods. */
@Command(
    name = "methods",
    mixinStandardHelpOptions = true,
    description = {
      "List the adapter methods: what each does, when to use it, PEFT's name of it and its paper.",
      "With a bundle also how many numbers an adapter of each trains on its base: of other methods on",
      "the layers that the bundle's own adapt."
    })
public final class MethodsCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = "--bundle",
      paramLabel = "BUNDLE",
      description = "Count the parameters of adapters on this bundle's base, the head left out.")
  @Nullable Path bundle;

  @Option(
      names = "--rank",
      paramLabel = "R",
      defaultValue = "8",
      description = "The rank to count with (default: ${DEFAULT-VALUE}).")
  int rank;

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  boolean json;

  /** A command that picocli fills. */
  public MethodsCommand() {}

  @Override
  public Integer call() {
    if (spec == null) {
      throw new IllegalStateException("A command is called by picocli");
    }
    Optional<Counts> counts =
        Optional.ofNullable(bundle)
            .map(folder -> new MethodCounts(Bundle.open(folder), rank))
            .map(opened -> new Counts(opened.prepared(), opened.others()));
    PrintWriter console = spec.commandLine().getOut();
    if (json) {
      console.println(JsonText.line(toJson(counts)));
    } else {
      for (MethodName method : MethodName.values()) {
        print(console, method, counts);
      }
    }
    console.flush();
    return 0;
  }

  /**
   * What adapters train on a bundle's base.
   *
   * @param prepared of the methods that the bundle is prepared for
   * @param others of all others; empty for one that has no place in the base
   */
  private record Counts(
      Map<MethodName, OptionalLong> prepared, Map<MethodName, OptionalLong> others) {
    OptionalLong of(MethodName method) {
      return Objects.requireNonNullElse(
          prepared.getOrDefault(method, others.get(method)), OptionalLong.empty());
    }

    String text(MethodName method) {
      String where = prepared.containsKey(method) ? "" : " (not in this bundle)";
      return of(method).stream()
          .mapToObj(count -> "  %,d parameters%s".formatted(count, where))
          .findFirst()
          .orElse(others.containsKey(method) ? "  no place in this base" : "  not in this bundle");
    }
  }

  private static void print(PrintWriter console, MethodName method, Optional<Counts> counts) {
    String peft = method.peftType().orElse("not in PEFT");
    console.printf("%-12s %s%n", method.text(), method.use());
    console.printf(
        "%-12s %s; %s%s%n",
        "", peft, method.paper(), counts.map(known -> known.text(method)).orElse(""));
  }

  private static ObjectNode toJson(Optional<Counts> counts) {
    ObjectNode all = JsonText.object();
    ArrayNode methods = all.putArray("methods");
    for (MethodName method : MethodName.values()) {
      ObjectNode one = methods.addObject().put("name", method.text()).put("use", method.use());
      method.peftType().ifPresentOrElse(type -> one.put("peft", type), () -> one.putNull("peft"));
      one.put("paper", method.paper());
      ArrayNode sizes = one.putArray("sizes");
      method.sizes().forEach(size -> sizes.add(size.text()));
      counts.ifPresent(
          known -> {
            known.of(method).ifPresent(count -> one.put("parameters", count));
            one.put("in_bundle", known.prepared().containsKey(method));
          });
    }
    return all;
  }
}
