package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.adapter.BaseWeight;
import dev.banyan.graph.adapter.BaseWeightChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.lowering.LoweringRules;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A bundle's decoder as it was given, with its past and its fused operators, and where the places
 * are in it that adapters know by path. They are found in the graph that adapters are trained on;
 * rewriting leaves the names of values.
 */
public final class DecoderBase {
  private final Model model;
  private final Map<String, Found> layers;
  private final Map<String, String> weights;
  private final Map<String, Long> readers;

  private DecoderBase(
      Model model,
      Map<String, Found> layers,
      Map<String, String> weights,
      Map<String, Long> readers) {
    this.model = model;
    this.layers = layers;
    this.weights = weights;
    this.readers = readers;
  }

  /** A layer where adapters are trained: its operator, and the value that it makes. */
  private record Found(String op, String output) {}

  /**
   * Reads the base of a bundle.
   *
   * @throws NotMergeable if the bundle is of a version without it
   * @throws dev.banyan.artifacts.integrity.ArtifactException if the file cannot be used
   */
  public static DecoderBase of(Bundle bundle) {
    if (!bundle.has(Bundle.BASE_MODEL)) {
      throw new NotMergeable(
          "The bundle %s is of an older version, without its base; prepare it anew"
              .formatted(bundle.dir()));
    }
    OnnxFile file = OnnxFile.read(bundle.file(Bundle.BASE_MODEL));
    try (SourceModel source = SourceModel.simplify(file)) {
      Model plain = source.decoder(LoweringRules.standard()).base().model();
      Map<String, Found> layers = new TreeMap<>();
      for (Site site : SiteDiscovery.inspect(plain).all()) {
        Node node = site.node();
        layers.put(site.path(), new Found(node.op().type(), node.output().name()));
      }
      List<BaseWeight> all = BaseWeightChoice.every(plain.graph());
      Map<String, String> weights = new TreeMap<>();
      all.forEach(weight -> weights.put(weight.name(), weight.constantName()));
      return new DecoderBase(
          OnnxReader.read(file),
          layers,
          weights,
          weights.values().stream()
              .collect(Collectors.groupingBy(Function.identity(), Collectors.counting())));
    }
  }

  /**
   * Writes a decoder so that it reads whole texts alone: without a past, and without the rounding
   * of what products of few bits multiply, which training does not have.
   *
   * @return the file, with its weights beside it
   */
  public static Path withoutPast(Path model, Path folder) {
    Path file = folder.resolve("without-past.onnx");
    try (SourceModel source = SourceModel.simplify(OnnxFile.read(model));
        ExternalDataWriter weights =
            new ExternalDataWriter(folder.resolve("without-past.onnx.data"))) {
      new OnnxWriter(weights).write(source.decoder(LoweringRules.standard()).reference(), file);
    }
    return file;
  }

  /** The decoder. */
  public Model model() {
    return model;
  }

  /**
   * The node of a layer.
   *
   * @param path as a bundle's manifest names it
   * @throws NotMergeable if the layer is part of a fused operator
   */
  public Node layer(String path) {
    Optional<Found> found = Optional.ofNullable(layers.get(path));
    return found
        .flatMap(layer -> graph().find(layer.output()))
        .flatMap(Value::producer)
        .filter(node -> node.op().type().equals(found.orElseThrow().op()))
        .orElseThrow(
            () ->
                new NotMergeable(
                    "The layer '%s' is part of a fused operator in the model as it was given, so the adapter cannot become part of its weight; export the model without optimizing it, or serve base and adapter"
                        .formatted(path)));
  }

  /**
   * The constant that is a weight of the base.
   *
   * @param name of the parameter
   * @throws NotMergeable if the constant is something else too
   */
  public Value weight(String name) {
    Optional<String> constant = Optional.ofNullable(weights.get(name));
    return constant
        .filter(other -> readers.getOrDefault(other, 0L) == 1)
        .flatMap(graph()::find)
        .filter(Value::isConstant)
        .orElseThrow(
            () ->
                new NotMergeable(
                    "The weight '%s' has no constant of its own in the model as it was given, so it cannot be replaced; serve base and adapter"
                        .formatted(name)));
  }

  private Graph graph() {
    return model.graph();
  }
}
