package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.util.Map;

/** What training makes small, in operators that every operator set since 11 has. */
sealed interface Loss {
  /**
   * The mean over the batch of {@code -log softmax(scores)[label]}.
   *
   * @param labels int64 {@code [batch]}: class ids below the number of scores
   */
  record CrossEntropy(Value labels) implements Loss {
    /** Labels and what they select are data: no gradient flows to them. */
    private static final Tensor OFF_AND_ON =
        Tensor.ofFloats("banyan/off_and_on", Shape.of(2), 0f, 1f);

    @Override
    public Value add(Nodes nodes, Value scores) {
      Value offAndOn = nodes.builder().graph().addConstant(OFF_AND_ON);
      Value isLabel =
          nodes
              .builder()
              .op(
                  "OneHot",
                  Map.of("axis", Attribute.of(-1L)),
                  labels,
                  nodes.size(1, scores),
                  offAndOn);
      return meanOver(nodes, isLabel, scores);
    }
  }

  /**
   * Texts and their partners are each other's label: with rows 0 to N-1 the texts and rows N to
   * 2N-1 their partners, the cross entropy over the cosine similarities of every text with every
   * partner, divided by a temperature of 1/20 (the multiple-negatives ranking loss, Henderson et
   * al., 2017, arXiv:1705.00652).
   *
   * @param hidden size of an embedding
   */
  record InBatchContrastive(long hidden) implements Loss {
    private static final float SCALE = 20f;

    /** Takes embeddings of length 1, {@code [2N, hidden]}. */
    @Override
    public Value add(Nodes nodes, Value embeddings) {
      Value halves = nodes.reshape(embeddings, 2, -1, hidden);
      Value partners =
          nodes
              .builder()
              .op("Transpose", Map.of("perm", Attribute.ints(1, 0)), nodes.at(1, 0, halves));
      Value texts = nodes.op("Mul", nodes.at(0, 0, halves), nodes.builder().scalar(SCALE));
      Value scores = nodes.op("MatMul", texts, partners);
      return meanOver(nodes, nodes.op("EyeLike", scores), scores);
    }
  }

  /**
   * Adds the loss.
   *
   * @param prediction {@code [batch, labels]} scores or {@code [batch, hidden]} embeddings
   * @return a float scalar
   */
  Value add(Nodes nodes, Value prediction);

  /** The loss that belongs to a task's prediction. */
  static String predictionName(Task task) {
    return switch (task) {
      case TEXT_CLASSIFICATION -> "logits";
      case EMBEDDING -> "embeddings";
    };
  }

  /** The mean over rows of {@code -log softmax(scores)} where {@code isLabel} is 1. */
  private static Value meanOver(Nodes nodes, Value isLabel, Value scores) {
    Value picked = nodes.op("Mul", nodes.logSoftmax(scores), isLabel);
    Value rows = nodes.toFloat(nodes.size(0, scores));
    return nodes.op("Neg", nodes.op("Div", nodes.sum(picked), rows));
  }
}
