package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;

/**
 * Where tokens go into a decoder and where its scores come out.
 *
 * @param ids token ids, int64 {@code [batch, sequence]}
 * @param mask 1 for a token and 0 for padding, int64 {@code [batch, sequence]}
 * @param positions the place of each token in its text, int64 {@code [batch, sequence]}
 * @param logits a score for each token that may come next, float {@code [batch, sequence,
 *     vocabulary]}
 */
record DecoderPorts(Value ids, Optional<Value> mask, Optional<Value> positions, Value logits) {
  static final String IDS = "input_ids";
  static final String MASK = "attention_mask";
  static final String POSITIONS = "position_ids";
  static final String LOGITS = "logits";

  private static final List<String> KNOWN_INPUTS = List.of(IDS, MASK, POSITIONS);

  /** The type that every input has. */
  static TensorType tokens() {
    return TensorType.of(DType.INT64, Dim.of("batch"), Dim.of("sequence"));
  }

  /**
   * Finds the ports of a decoder whose past is dropped, and names their axes.
   *
   * @throws UnusableModel if an input is no tokens, or there is no output of scores
   */
  static DecoderPorts of(Graph graph) {
    graph.inputs().forEach(DecoderPorts::requireTokens);
    graph.inputs().forEach(input -> input.withType(tokens()));
    return new DecoderPorts(
        input(graph, IDS)
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "The model has no input 'input_ids', only " + graph.inputs())),
        input(graph, MASK),
        input(graph, POSITIONS),
        graph.outputs().stream()
            .filter(output -> output.name().equals(LOGITS))
            .findFirst()
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "The model has no output 'logits', only %s; export the decoder with its language modelling head, for instance with --task text-generation"
                            .formatted(graph.outputs()))));
  }

  private static Optional<Value> input(Graph graph, String name) {
    return graph.find(name).filter(graph.inputs()::contains);
  }

  private static void requireTokens(Value input) {
    boolean tokens =
        input.type().filter(t -> t.dtype() == DType.INT64 && t.rank() == 2).isPresent()
            && input.knownType().dims().stream().noneMatch(dim -> dim instanceof Dim.Known);
    if (!KNOWN_INPUTS.contains(input.name()) || !tokens) {
      throw new UnusableModel(
          "The model has the input '%s' %s; expected of a decoder only %s, each int64 [batch, sequence] with both axes dynamic, and past_key_values: export it with dynamic axes"
              .formatted(
                  input,
                  input.type().map(TensorType::toString).orElse("of unknown type"),
                  KNOWN_INPUTS));
    }
  }
}
