package dev.banyan.graph.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.KeptWeights;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.integrity.JsonText;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
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
      "With a bundle also how many numbers an adapter of each of its methods trains."
    })
public final class MethodsCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = "--bundle",
      paramLabel = "BUNDLE",
      description = "Count the parameters of adapters of this bundle, the head left out.")
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
    Optional<BundleManifest> manifest =
        Optional.ofNullable(bundle).map(folder -> Bundle.open(folder).manifest());
    PrintWriter console = spec.commandLine().getOut();
    if (json) {
      console.println(JsonText.line(toJson(manifest)));
    } else {
      for (MethodName method : MethodName.values()) {
        print(console, method, manifest.map(opened -> parameters(opened, method)));
      }
    }
    console.flush();
    return 0;
  }

  private static void print(
      PrintWriter console, MethodName method, Optional<OptionalLong> parameters) {
    String peft = method.peftType().orElse("not in PEFT");
    String count =
        parameters
            .map(
                known ->
                    known.isPresent()
                        ? "  %,d parameters".formatted(known.getAsLong())
                        : "  not in this bundle")
            .orElse("");
    console.printf("%-12s %s%n", method.text(), method.use());
    console.printf("%-12s %s; %s%s%n", "", peft, method.paper(), count);
  }

  private ObjectNode toJson(Optional<BundleManifest> manifest) {
    ObjectNode all = JsonText.object();
    ArrayNode methods = all.putArray("methods");
    for (MethodName method : MethodName.values()) {
      ObjectNode one = methods.addObject().put("name", method.text()).put("use", method.use());
      method.peftType().ifPresentOrElse(type -> one.put("peft", type), () -> one.putNull("peft"));
      one.put("paper", method.paper());
      ArrayNode sizes = one.putArray("sizes");
      method.sizes().forEach(size -> sizes.add(size.text()));
      manifest
          .map(opened -> parameters(opened, method))
          .filter(OptionalLong::isPresent)
          .ifPresent(count -> one.put("parameters", count.getAsLong()));
    }
    return all;
  }

  /** What an adapter trains; empty if the bundle is not prepared for the method. */
  private OptionalLong parameters(BundleManifest manifest, MethodName method) {
    if (manifest.adapter().method(method).isEmpty()) {
      return OptionalLong.empty();
    }
    Stream<ParameterSpec> own =
        method.kind() == MethodName.Kind.WEIGHTS
            ? manifest.parameters().stream().filter(ParameterSpec::isOfBase)
            : manifest.parameters().stream()
                .filter(spec -> spec.method().equals(Optional.of(method)));
    Sizes sizes = Sizes.usual().with(Size.RANK, rank).with(Size.LABELS, 0);
    return OptionalLong.of(
        own.map(parameter -> parameter.of(rank))
            .filter(ParameterSpec::isTrained)
            .mapToLong(parameter -> parameter.shape(sizes).elements())
            .map(all -> method == MethodName.SPARSE ? KeptWeights.usual().of(all) : all)
            .sum());
  }
}
