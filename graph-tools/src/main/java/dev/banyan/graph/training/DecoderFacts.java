package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.WeightCount;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * What is known of a decoder before its graphs are made.
 *
 * @param inputs what a text is fed to, {@code input_ids} and maybe {@code position_ids}
 * @param vocabulary number of tokens that get a score
 * @param hidden size of the vector that scores are made of
 * @param maxLength tokens after which a text is cut
 * @param positions most tokens that the model can take, if it has such a bound
 * @param frozen number of weights
 * @param opset version of ONNX's operator set
 * @param placement what is adapted
 * @param parameters what is trained, or frozen beside it
 * @param base what the base has where adapters hold weights of it
 */
record DecoderFacts(
    List<String> inputs,
    long vocabulary,
    long hidden,
    int maxLength,
    OptionalInt positions,
    long frozen,
    int opset,
    Placement placement,
    List<ParameterSpec> parameters,
    BaseValues base) {
  private static final int DEFAULT_LENGTH = 1024;

  /**
   * Looks at a base whose tokens are kept apart.
   *
   * @throws UnusableModel if it has fewer positions than were asked for
   */
  static DecoderFacts of(BaseGraph base, BundleRecipe recipe, OptionalInt maxLength) {
    Graph graph = base.graph();
    Value logits = graph.value(DecoderPorts.LOGITS);
    Optional<Node> layer = NextToken.vocabularyLayer(logits);
    long vocabulary = lastAxis(logits);
    Placement placement = recipe.place(base.model());
    return new DecoderFacts(
        graph.inputs().stream()
            .map(Value::name)
            .filter(name -> !name.equals(Segments.INPUT))
            .toList(),
        vocabulary,
        layer.map(node -> lastAxis(node.input(0))).orElse(vocabulary),
        TextLimits.maxLength(maxLength, positions(graph), DEFAULT_LENGTH),
        TextLimits.most(positions(graph)),
        WeightCount.of(graph),
        base.model().opset(),
        placement,
        // Once the base is rewritten, weights are inputs and have no values.
        placement.parameters(),
        placement.baseValues());
  }

  private static long lastAxis(Value value) {
    if (value.knownType().dim(-1) instanceof Dim.Known(long size)) {
      return size;
    }
    throw new UnusableModel(
        "The last axis of '%s' %s has no fixed size; export the decoder with one"
            .formatted(value, value.knownType()));
  }

  private static OptionalLong positions(Graph graph) {
    return LongStream.concat(positionTables(graph), rotaryTables(graph)).min();
  }

  private static LongStream positionTables(Graph graph) {
    return graph.find(DecoderPorts.POSITIONS).stream()
        .flatMap(positions -> positions.users().stream())
        .filter(node -> node.op().is("Gather") && node.input(0).isConstant())
        .mapToLong(node -> rows(node.input(0)));
  }

  /** Caches of cosines are named so by those who write fused decoders. */
  private static LongStream rotaryTables(Graph graph) {
    return graph.constants().stream()
        .filter(table -> table.name().contains("cos_cache"))
        .mapToLong(DecoderFacts::rows);
  }

  private static long rows(Value table) {
    return table.constant().orElseThrow().shape().dim(0);
  }
}
