package dev.banyan.graph.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.Inspection;
import dev.banyan.graph.Inspection.Layer;
import dev.banyan.graph.Inspection.Port;
import dev.banyan.graph.site.UnusableSite;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code banyan inspect}: shows where adapters can go on a model. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = "Show a model's inputs, outputs and the layers that adapters can go on.")
public final class InspectCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "MODEL.onnx", description = "The model to look at.")
  private Path model = Path.of("");

  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  /** A command that picocli fills. */
  public InspectCommand() {}

  @Override
  public Integer call() {
    Inspection inspection = GraphTools.inspect(model);
    PrintWriter console = Objects.requireNonNull(spec).commandLine().getOut();
    if (json) {
      console.println(JsonText.line(asJson(inspection)));
    } else {
      print(inspection, console);
    }
    console.flush();
    return 0;
  }

  private static void print(Inspection seen, PrintWriter out) {
    out.println(
        "%s: opset %d, IR version %d, %,d parameters, %.1f MiB"
            .formatted(
                seen.file(),
                seen.opset(),
                seen.irVersion(),
                seen.parameters(),
                seen.bytes() / 1048576.0));
    printPorts("input", seen.inputs(), out);
    printPorts("output", seen.outputs(), out);
    out.println();
    out.println("%d layers can carry an adapter".formatted(seen.layers().size()));
    printFamilies(seen.layers(), out);
    seen.suggestedTargets()
        .ifPresent(
            targets ->
                out.println(
                    "  --targets %s to begin with; all-linear, or names: %s"
                        .formatted(targets, String.join(",", seen.names().keySet()))));
    if (!seen.others().isEmpty()) {
      out.println("other places that LoRA can adapt, if they are named");
      printFamilies(seen.others(), out);
    }
    if (!seen.poolings().isEmpty()) {
      out.println("  --pooling " + String.join(", ", poolings(seen)));
    }
    printUnusable(seen, out);
    out.println();
    out.println("operators: " + operators(seen));
  }

  private static List<String> poolings(Inspection seen) {
    return seen.poolings().stream().map(Pooling::text).toList();
  }

  /** The most frequent ones first. */
  private static String operators(Inspection seen) {
    return seen.operators().entrySet().stream()
        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
        .map(entry -> entry.getKey() + " x" + entry.getValue())
        .collect(Collectors.joining(", "));
  }

  private static void printPorts(String kind, List<Port> ports, PrintWriter out) {
    Map<String, List<Port>> families =
        ports.stream()
            .collect(
                Collectors.groupingBy(
                    port -> ModuleFamilies.numbersHidden(port.name()),
                    LinkedHashMap::new,
                    Collectors.toList()));
    families.forEach(
        (family, members) ->
            out.println(
                "  %-7s %-24s %s%s"
                    .formatted(
                        kind,
                        family,
                        members.getFirst().type(),
                        members.size() == 1 ? "" : " x" + members.size())));
  }

  private static void printUnusable(Inspection seen, PrintWriter out) {
    if (seen.unusable().isEmpty()) {
      return;
    }
    out.println();
    out.println("%d layers cannot".formatted(seen.unusable().size()));
    Map<String, List<UnusableSite>> byReason =
        seen.unusable().stream()
            .collect(
                Collectors.groupingBy(
                    site -> site.operator() + ": " + site.reason(),
                    LinkedHashMap::new,
                    Collectors.toList()));
    byReason.forEach(
        (reason, sites) ->
            out.println(
                "  x%-3d %s (such as %s)"
                    .formatted(sites.size(), reason, sites.getFirst().path())));
  }

  /** Layers of the same shape whose paths differ in numbers alone; they are shown on one line. */
  private record Family(String path, long in, long out) {
    static Family of(Layer layer) {
      return new Family(ModuleFamilies.numbersHidden(layer.path()), layer.in(), layer.out());
    }
  }

  private static void printFamilies(List<Layer> all, PrintWriter out) {
    families(all)
        .forEach(
            (family, layers) ->
                out.println(
                    "  %-48s x%-3d %5d -> %-5d %,12d parameters"
                        .formatted(
                            family.path(),
                            layers.size(),
                            family.in(),
                            family.out(),
                            layers.stream().mapToLong(Layer::parameters).sum())));
  }

  private static Map<Family, List<Layer>> families(List<Layer> layers) {
    return layers.stream()
        .collect(Collectors.groupingBy(Family::of, LinkedHashMap::new, Collectors.toList()));
  }

  private static ObjectNode asJson(Inspection seen) {
    ObjectNode json =
        JsonText.object()
            .put("file", seen.file())
            .put("bytes", seen.bytes())
            .put("opset", seen.opset())
            .put("ir_version", seen.irVersion())
            .put("parameters", seen.parameters());
    ports(json.putArray("inputs"), seen.inputs());
    ports(json.putArray("outputs"), seen.outputs());
    layers(json.putArray("sites"), seen.layers());
    layers(json.putArray("other_places"), seen.others());
    ArrayNode unusable = json.putArray("unusable");
    for (UnusableSite site : seen.unusable()) {
      unusable
          .addObject()
          .put("path", site.path())
          .put("operator", site.operator())
          .put("reason", site.reason());
    }
    seen.suggestedTargets().ifPresent(targets -> json.put("suggested_targets", targets));
    ArrayNode poolings = json.putArray("poolings");
    poolings(seen).forEach(poolings::add);
    ObjectNode operators = json.putObject("operators");
    seen.operators().forEach(operators::put);
    return json;
  }

  private static void layers(ArrayNode array, List<Layer> layers) {
    for (Layer layer : layers) {
      array
          .addObject()
          .put("path", layer.path())
          .put("kind", layer.kind())
          .put("in", layer.in())
          .put("out", layer.out())
          .put("parameters", layer.parameters());
    }
  }

  private static void ports(ArrayNode array, List<Port> ports) {
    ports.forEach(port -> array.addObject().put("name", port.name()).put("type", port.type()));
  }
}
