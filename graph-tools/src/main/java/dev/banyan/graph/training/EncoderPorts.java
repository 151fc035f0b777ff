package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;

/**
 * Where text goes into an encoder and where its vectors come out, found by type and name.
 *
 * @param ids token ids, int64 {@code [batch, sequence]}
 * @param mask 1 for a token and 0 for padding, int64 {@code [batch, sequence]}
 * @param hiddenStates a vector for each token, float {@code [batch, sequence, hidden]}
 * @param pooled the model's own vector for each text, float {@code [batch, hidden]}
 */
record EncoderPorts(Value ids, Optional<Value> mask, Value hiddenStates, Optional<Value> pooled) {
  private static final List<String> HIDDEN_NAMES = List.of("last_hidden_state", "token_embeddings");
  private static final List<String> POOLED_NAMES = List.of("pooler_output", "pooled_output");
  private static final List<String> KNOWN_INPUTS =
      List.of("input_ids", "attention_mask", "token_type_ids");

  /**
   * Checks that text can be fed.
   *
   * @throws UnusableModel if the model has an input that is no tokens, or an axis of a fixed size
   */
  static void requireTokens(Graph graph) {
    for (Value input : graph.inputs()) {
      boolean free =
          input.type().stream()
              .flatMap(type -> type.dims().stream())
              .noneMatch(dim -> dim instanceof Dim.Known);
      if (!KNOWN_INPUTS.contains(input.name()) || !isTokens(input) || !free) {
        throw new UnusableModel(
            "The model has the input '%s' %s; expected only %s, each int64 [batch, sequence] with both axes dynamic: export the encoder alone, with dynamic axes"
                .formatted(input, type(input), KNOWN_INPUTS));
      }
    }
  }

  /**
   * Names the axes of the inputs {@code batch} and {@code sequence}: exporters have other names, or
   * one name for both.
   *
   * @throws UnusableModel if {@link #requireTokens} finds other inputs
   */
  static void nameAxes(Graph graph) {
    requireTokens(graph);
    for (Value input : graph.inputs()) {
      input.withType(TensorType.of(DType.INT64, Dim.of("batch"), Dim.of("sequence")));
    }
  }

  /**
   * Finds the ports of a graph whose outputs have types.
   *
   * @throws UnusableModel if there are no token ids, or no output with a vector for each token
   */
  static EncoderPorts of(Graph graph) {
    Value ids =
        graph
            .find("input_ids")
            .filter(graph.inputs()::contains)
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "The model has no input 'input_ids', only " + graph.inputs()));
    return new EncoderPorts(
        ids,
        graph.find("attention_mask").filter(graph.inputs()::contains),
        hiddenStates(graph.outputs()),
        graph.outputs().stream()
            .filter(output -> POOLED_NAMES.contains(output.name()) && isFloat(output, 2))
            .findFirst());
  }

  /** The same where the model reads texts in other columns than they are given in. */
  EncoderPorts over(TextColumns columns) {
    return new EncoderPorts(columns.ids(), columns.mask(), hiddenStates, pooled);
  }

  /** Number of elements of a token's vector. */
  long hidden() {
    if (hiddenStates.knownType().dim(-1) instanceof Dim.Known(long size)) {
      return size;
    }
    throw new UnusableModel(
        "The last axis of output '%s' %s has no fixed size; export the model with one"
            .formatted(hiddenStates, hiddenStates.knownType()));
  }

  /** The output that a pooling starts from. */
  Value output(Pooling pooling) {
    return switch (pooling) {
      case MEAN, CLS -> hiddenStates;
      case POOLER ->
          pooled.orElseThrow(
              () ->
                  new UnusableModel(
                      "Pooling 'pooler' needs an output pooler_output [batch, hidden], and the model has none; use --pooling mean or cls"));
    };
  }

  /** The outputs that a pooling needs. */
  List<Value> outputs(Pooling pooling) {
    Value start = output(pooling);
    return start == hiddenStates ? List.of(start) : List.of(hiddenStates, start);
  }

  private static Value hiddenStates(List<Value> outputs) {
    List<Value> candidates = outputs.stream().filter(output -> isFloat(output, 3)).toList();
    Optional<Value> named =
        HIDDEN_NAMES.stream()
            .flatMap(name -> candidates.stream().filter(output -> output.name().equals(name)))
            .findFirst();
    if (named.isPresent()) {
      return named.get();
    }
    if (candidates.size() == 1) {
      return candidates.getFirst();
    }
    throw new UnusableModel(
        "The model has %s output of float [batch, sequence, hidden], and none is named %s; its outputs are %s. Export the encoder without its head, for instance with --task feature-extraction"
            .formatted(
                candidates.isEmpty() ? "no" : "more than one",
                String.join(" or ", HIDDEN_NAMES),
                outputs.stream().map(output -> output + " " + type(output)).toList()));
  }

  private static boolean isTokens(Value input) {
    return input.type().filter(t -> t.dtype() == DType.INT64 && t.rank() == 2).isPresent();
  }

  private static boolean isFloat(Value output, int rank) {
    return output.type().filter(t -> t.dtype() == DType.FLOAT && t.rank() == rank).isPresent();
  }

  private static String type(Value value) {
    return value.type().map(TensorType::toString).orElse("of unknown type");
  }
}
