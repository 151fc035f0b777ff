package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps examples that share a row apart: a token attends to tokens of its own segment only, so that
 * each example is computed as if it were alone.
 *
 * <p>What is added to the scores is made once and shared by all layers. A mask that the model adds
 * itself takes it up, so that a layer has no operator more than before.
 */
final class Segments {
  /** Graph input: the number of the example that each token belongs to. */
  static final String INPUT = "segment_ids";

  /** So low that nothing is left of it after a softmax, and no infinity that breeds NaN. */
  private static final float HIDDEN = -Float.MAX_VALUE;

  /** Which input of a fused attention is added to its scores. */
  private static final Map<OpId, Integer> FUSED_BIAS =
      Map.of(
          OpId.microsoft("GroupQueryAttention"), 10,
          OpId.microsoft("MultiHeadAttention"), 5,
          OpId.microsoft("Attention"), 5,
          OpId.onnx("Attention"), 3);

  private final Nodes nodes;
  private final Value bias;
  private final Map<Value, Value> both = new HashMap<>();
  private int attentions;

  private Segments(Nodes nodes, Value segments) {
    this.nodes = nodes;
    Value queries = nodes.unsqueeze(2, segments);
    Value keys = nodes.unsqueeze(1, segments);
    Value same = nodes.op("Equal", queries, keys);
    Value shown =
        nodes.op("Where", same, nodes.builder().scalar(0f), nodes.builder().scalar(HIDDEN));
    Dim sequence = Dim.of("sequence");
    this.bias =
        nodes
            .unsqueeze(1, shown)
            .withType(TensorType.of(DType.FLOAT, Dim.of("batch"), Dim.of(1), sequence, sequence));
  }

  /**
   * Adds the input {@code segment_ids}, int64 {@code [batch, sequence]}, to a decoder whose values
   * have types.
   *
   * @return the input
   * @throws UnusableModel if the model's attention is not found
   */
  static Value separate(Graph graph, Nodes nodes) {
    List<Node> before = List.copyOf(graph.nodes());
    Value input = graph.addInput(INPUT, DecoderPorts.tokens());
    Segments segments = new Segments(nodes.in("segments"), input);
    before.forEach(segments::visit);
    if (segments.attentions == 0) {
      throw new UnusableModel(
          "No attention is found in the model: neither a Softmax over [batch, heads, sequence,"
              + " sequence] nor one of "
              + FUSED_BIAS.keySet());
    }
    return input;
  }

  private void visit(Node node) {
    Integer place = FUSED_BIAS.get(node.op());
    if (place != null) {
      Value own = place < node.inputs().size() ? node.input(place) : Value.NONE;
      node.replaceInput(place, own.isNone() ? bias : with(own));
      attentions++;
    } else if (node.op().is("Softmax") && isScores(node.input(0))) {
      separate(node);
      attentions++;
    }
  }

  private static boolean isScores(Value value) {
    return value.type().filter(type -> type.rank() == 4).isPresent()
        && value.knownType().dim(2).equals(Dim.of("sequence"))
        && value.knownType().dim(3).equals(Dim.of("sequence"));
  }

  private void separate(Node softmax) {
    Value scores = softmax.input(0);
    Node maker = scores.producer().orElse(null);
    if (maker != null && maker.op().is("Add")) {
      for (int i = 0; i < 2; i++) {
        if (isMask(maker.input(i))) {
          maker.replaceInput(i, with(maker.input(i)));
          return;
        }
      }
    }
    Value separated = nodes.op("Add", scores, bias);
    softmax.replaceInput(0, separated.withType(scores.knownType()));
  }

  /** A mask is the same for all heads. */
  private static boolean isMask(Value value) {
    return value
        .type()
        .filter(
            type ->
                type.dtype() == DType.FLOAT
                    && (type.rank() == 2 || (type.rank() == 4 && type.dim(1).isKnownToBe(1))))
        .isPresent();
  }

  /** What is hidden already stays so: minus infinity is the worst that a sum of two can be. */
  private Value with(Value own) {
    return both.computeIfAbsent(
        own, mask -> nodes.op("Add", mask, bias).withType(bias.knownType()));
  }
}
