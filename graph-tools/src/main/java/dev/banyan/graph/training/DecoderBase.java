package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
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
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A bundle's decoder as it was given, with its past and its fused operators, and where the places
 * are in it that adapters know by path. They are found in the graph that adapters are trained on;
 * rewriting leaves the names of values.
 */
public final class DecoderBase {
  private final Model model;
  private final Map<String, Site> layers;
  private final List<BaseWeight> weights;

  private DecoderBase(Model model, Map<String, Site> layers, List<BaseWeight> weights) {
    this.model = model;
    this.layers = layers;
    this.weights = weights;
  }

  /** An input of a node of the decoder. */
  public record Reader(Node node, int input) {}

  /**
   * Reads the base of a bundle.
   *
   * @throws NotMergeable if the bundle is of a version without it
   * @throws dev.banyan.graph.GraphFailure if it has weights that adapters of the bundle hold, and
   *     that cannot be told apart
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
      Map<String, Site> layers = new TreeMap<>();
      SiteDiscovery.inspect(plain).all().forEach(site -> layers.put(site.path(), site));
      boolean held = bundle.manifest().parameters().stream().anyMatch(ParameterSpec::isOfBase);
      List<BaseWeight> weights = held ? BaseWeightChoice.every(plain.graph()) : List.of();
      return new DecoderBase(OnnxReader.read(file), layers, weights);
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
    return Optional.ofNullable(layers.get(path))
        .flatMap(site -> same(site.node()))
        .orElseThrow(
            () ->
                new NotMergeable(
                    "The layer '%s' is no operator of its own in the model as it was given, or not with such a weight, so the adapter cannot become part of it; merge over a bundle made with 'prepare --dequantize' if it is quantized, or of a model that no optimizer has fused"
                        .formatted(path)));
  }

  /**
   * The node of a layer whose bias changes too.
   *
   * @throws NotMergeable if the layer, or its bias alone, is part of a fused operator
   */
  public Node layerWithBias(String path) {
    Node node = layer(path);
    boolean fused =
        Optional.ofNullable(layers.get(path)).flatMap(Site::bias).isPresent()
            && Site.biasOf(node).isEmpty();
    if (fused) {
      throw new NotMergeable(
          "The bias of the layer '%s' is part of a fused operator in the model as it was given, and the adapter changes it; merge over a bundle of a model that no optimizer has fused"
              .formatted(path));
    }
    return node;
  }

  /**
   * Where a weight of the base is read.
   *
   * @param name of the parameter
   * @throws NotMergeable if that cannot be told
   */
  public List<Reader> readers(String name) {
    return weights.stream()
        .filter(weight -> weight.name().equals(name))
        .flatMap(weight -> weight.places().stream())
        .map(
            place ->
                reader(place)
                    .orElseThrow(
                        () ->
                            new NotMergeable(
                                "The weight '%s' is read by a fused operator in the model as it was given, or by others too, so it cannot be replaced; merge over a bundle of a model that no optimizer has fused"
                                    .formatted(name))))
        .toList();
  }

  /** The same node, or else the only one that reads the same constant. */
  private Optional<Reader> reader(BaseWeight.Place place) {
    Optional<Reader> own =
        same(place.node())
            .map(node -> new Reader(node, place.input()))
            .filter(reader -> reader.node().input(reader.input()).isConstant());
    return own.or(() -> onlyReader(place.value().name()));
  }

  private Optional<Reader> onlyReader(String constant) {
    boolean captured =
        graph().nodes().stream().anyMatch(node -> node.captures().contains(constant));
    long places =
        weights.stream()
            .flatMap(weight -> weight.places().stream())
            .filter(place -> place.value().name().equals(constant))
            .count();
    List<Reader> readers =
        graph().find(constant).filter(Value::isConstant).stream()
            .flatMap(value -> value.users().stream().distinct().flatMap(node -> at(node, value)))
            .toList();
    return !captured && places == 1 && readers.size() == 1
        ? Optional.of(readers.getFirst())
        : Optional.empty();
  }

  private static Stream<Reader> at(Node node, Value value) {
    return IntStream.range(0, node.inputs().size())
        .filter(input -> node.input(input) == value)
        .mapToObj(input -> new Reader(node, input));
  }

  /** The node that makes the same value by the same operator. */
  private Optional<Node> same(Node plain) {
    return graph()
        .find(plain.output().name())
        .flatMap(Value::producer)
        .filter(node -> node.op().equals(plain.op()));
  }

  private Graph graph() {
    return model.graph();
  }
}
