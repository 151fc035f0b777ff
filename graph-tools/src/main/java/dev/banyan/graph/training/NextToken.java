package dev.banyan.graph.training;

import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The loss of a decoder: the mean of {@code -log softmax(logits)[next token]} over the tokens that
 * count. Labels are aligned with {@code input_ids}; a token counts if the label of the one behind
 * it is not {@link #IGNORED} and that one is of the same segment.
 *
 * <p>Rows that do not count are left out before the vocabulary's layer: scores for all tokens are
 * by far the largest values of a small decoder.
 */
final class NextToken {
  /** What stands for "not to be learned", as in PyTorch. */
  static final long IGNORED = -100;

  /** Second output: the logarithm of the probability of each token that counts, in order. */
  static final String PREDICTION = "log_probabilities";

  /** What may stand between the vocabulary's layer and the logits: it acts on each row alone. */
  private static final Set<String> ROW_BY_ROW =
      Set.of("Add", "Sub", "Mul", "Div", "Tanh", "Cast", "Identity", "Clip");

  private static final List<OpId> LAYERS =
      List.of(
          OpId.onnx("MatMul"),
          OpId.onnx("Gemm"),
          OpId.microsoft("MatMulNBits"),
          OpId.microsoft("MatMulBnb4"));

  private final Nodes nodes;
  private final Value places;
  private final Value targets;

  /**
   * @param labels int64 {@code [batch, sequence]}
   * @param segments int64 {@code [batch, sequence]}
   */
  NextToken(Nodes nodes, Value labels, Value segments) {
    this.nodes = nodes;
    Value next = behind(labels);
    Value ignored = nodes.op("Equal", next, nodes.builder().scalar(IGNORED));
    Value same = nodes.op("Equal", before(segments), behind(segments));
    Value counted = nodes.op("And", nodes.op("Not", ignored), same);
    Value indices = nodes.op("NonZero", counted);
    Value rowStarts = nodes.op("Mul", nodes.at(0, 0, indices), nodes.size(1, labels));
    this.places = nodes.op("Add", rowStarts, nodes.at(1, 0, indices));
    Value shifted = nodes.op("Add", places, nodes.builder().scalar(1L));
    this.targets = nodes.op("Gather", nodes.reshape(labels, -1), shifted);
  }

  private Value behind(Value tokens) {
    return nodes.slice(tokens, 1, 1, Long.MAX_VALUE);
  }

  private Value before(Value tokens) {
    return nodes.slice(tokens, 1, 0, -1);
  }

  /**
   * The layer that makes a score for each token of the vocabulary; empty if there is none that acts
   * on each row alone.
   */
  static Optional<Node> vocabularyLayer(Value logits) {
    Optional<Node> maker = logits.producer();
    while (maker.isPresent()) {
      Node node = maker.get();
      if (LAYERS.contains(node.op())) {
        return isFrozen(node.input(1)) ? maker : Optional.empty();
      }
      List<Value> inputs = node.inputs().stream().filter(input -> !isFrozen(input)).toList();
      boolean simple = node.op().domain().isEmpty() && ROW_BY_ROW.contains(node.op().type());
      maker = simple && inputs.size() == 1 ? inputs.getFirst().producer() : Optional.empty();
    }
    return maker;
  }

  private static boolean isFrozen(Value value) {
    return value.isNone()
        || value.isConstant()
        || value
            .producer()
            .filter(node -> node.inputs().stream().allMatch(NextToken::isFrozen))
            .isPresent();
  }

  /**
   * Leaves only the rows that count before the vocabulary's layer, or behind the logits where that
   * layer is not found.
   *
   * @param logits {@code [batch, sequence, vocabulary]}
   * @return {@code [counted, vocabulary]}
   */
  Value countedRows(Graph graph, Value logits) {
    Optional<Node> layer = vocabularyLayer(logits);
    if (layer.isEmpty()) {
      return pick(logits);
    }
    layer.get().replaceInput(0, pick(layer.get().input(0)));
    graph.sort();
    return logits;
  }

  /**
   * Leaves only the tokens of the texts before the vocabulary's layer, or behind the logits where
   * that layer is not found.
   */
  static void onlyTexts(Graph graph, TextColumns columns, Nodes nodes) {
    Value logits = graph.value(DecoderPorts.LOGITS);
    Optional<Node> layer = vocabularyLayer(logits);
    Value all = layer.map(node -> node.input(0)).orElse(logits);
    Value texts = columns.ofTexts(nodes.builder(), all);
    if (texts == all) {
      return;
    }
    if (layer.isPresent()) {
      layer.get().replaceInput(0, texts.withType(all.knownType()));
    } else {
      graph.setOutputs(List.of(texts.withType(all.knownType())));
      graph.rename(all, graph.freshName("base/" + DecoderPorts.LOGITS));
      graph.rename(texts, DecoderPorts.LOGITS);
    }
  }

  private Value pick(Value rows) {
    if (!(rows.knownType().dim(-1) instanceof Dim.Known(long size))) {
      throw new UnusableModel(
          "The last axis of '%s' %s has no fixed size; export the decoder with one"
              .formatted(rows, rows.knownType()));
    }
    return nodes.op("Gather", nodes.reshape(rows, -1, size), places);
  }

  /**
   * What the vocabulary's layer works on.
   *
   * @param rows the rows that count, {@code [counted, hidden]}
   * @param targets the token behind each, int64 {@code [counted]}
   * @param chain the layer, and what lies between it and the logits
   */
  record Rows(Value rows, Value targets, List<Node> chain) {
    /** Copies the list. */
    Rows {
      chain = List.copyOf(chain);
    }
  }

  /** The rows; empty where the vocabulary's layer is not found. */
  Optional<Rows> rows(Value logits) {
    return vocabularyLayer(logits)
        .map(
            layer -> {
              List<Node> chain = new ArrayList<>();
              for (Node node = layer; ; node = node.output().users().getFirst()) {
                chain.add(node);
                if (node.output() == logits) {
                  return new Rows(layer.input(0), targets, chain);
                }
              }
            });
  }

  /** The loss, a float scalar, and {@link #PREDICTION}, float {@code [counted]}. */
  record Result(Value loss, Value prediction) {}

  /** Adds the mean loss. */
  Result loss(Value logits) {
    Value prediction = logProbabilities(nodes, logits, targets);
    Value count = nodes.toFloat(nodes.size(0, targets));
    Value mean = nodes.op("Div", nodes.sum(prediction), count);
    return new Result(nodes.op("Neg", mean), prediction);
  }

  /**
   * Adds {@code log softmax(logits)[target]} of each row, of which there may be none:
   * SoftmaxCrossEntropyLoss refuses to be without.
   *
   * @param logits {@code [counted, vocabulary]}
   * @param targets int64 {@code [counted]}
   */
  static Value logProbabilities(Nodes nodes, Value logits, Value targets) {
    Value picked =
        nodes
            .builder()
            .op(
                "GatherElements",
                Map.of("axis", Attribute.of(1L)),
                nodes.logSoftmax(logits),
                nodes.unsqueeze(1, targets));
    return nodes.reshape(picked, -1);
  }
}
