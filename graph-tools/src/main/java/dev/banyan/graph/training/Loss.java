package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.Map;

/**
 * What training makes small, in operators that every operator set since 11 has. Labels and all that
 * is computed of them alone are data: no gradient flows to them.
 */
sealed interface Loss {
  /** Input of what is to be answered. */
  String LABELS = "labels";

  /**
   * The cross entropy of class scores, as PyTorch's {@code CrossEntropyLoss(weight,
   * label_smoothing)} has it: with p the softmax of the scores, K classes, w the class weights, s
   * the smoothing and y the label, the sum of {@code -(1 - s) w[y] log p[y] - s/K sum_k w[k] log
   * p[k]} over all rows whose label is not negative, divided by the sum of their {@code w[y]}.
   *
   * @param labels int64 {@code [batch]} or {@code [batch, sequence]}: class ids below the number of
   *     scores, or a negative number for what does not count
   * @param smoothing float scalar, from 0 to below 1
   * @param weights float {@code [labels]}, 1 for no weighting
   */
  record CrossEntropy(Value labels, Value smoothing, Value weights) implements Loss {
    /** Input: how much of each label is spread over all. */
    static final String SMOOTHING = "label_smoothing";

    /** Input: how much each label counts. */
    static final String WEIGHTS = "class_weights";

    private static final Tensor OFF_AND_ON =
        Tensor.ofFloats("banyan/off_and_on", Shape.of(2), 0f, 1f);

    /** Keeps a batch in which nothing counts from dividing zero by zero. */
    private static final float TINY = 1e-12f;

    /** The loss over inputs that are added to a graph; labels of these dimensions. */
    static CrossEntropy over(Graph graph, Dim... dims) {
      return new CrossEntropy(
          graph.addInput(LABELS, TensorType.of(DType.INT64, dims)),
          graph.addInput(SMOOTHING, TensorType.of(DType.FLOAT)),
          graph.addInput(WEIGHTS, TensorType.of(DType.FLOAT, Dim.of(ParameterSpec.LABELS))));
    }

    @Override
    public Value add(Nodes nodes, Value scores) {
      Value isLabel = isLabel(nodes, scores);
      Value weight = nodes.op("Mul", isLabel, weights);
      Value even = nodes.op("Div", smoothing, nodes.toFloat(nodes.size(-1, scores)));
      Value spread = nodes.op("Mul", nodes.op("Mul", nodes.sumAlong(-1, isLabel), even), weights);
      Value kept = nodes.op("Mul", weight, nodes.op("Sub", nodes.builder().scalar(1f), smoothing));
      Value target = nodes.op("Add", kept, spread);
      Value sum = nodes.sum(nodes.op("Mul", nodes.logSoftmax(scores), target));
      Value total = nodes.op("Max", nodes.sum(weight), nodes.builder().scalar(TINY));
      return nodes.op("Neg", nodes.op("Div", sum, total));
    }

    /** 1 at each row's label, 0 elsewhere and in rows that do not count. */
    private Value isLabel(Nodes nodes, Value scores) {
      Value classes = nodes.size(-1, scores);
      // OneHot counts negative ids from the end, but gives zeros for ids beyond it.
      Value ignored = nodes.op("Less", labels, nodes.builder().scalar(0L));
      Value ids = nodes.op("Where", ignored, classes, labels);
      Value offAndOn = nodes.builder().graph().addConstant(OFF_AND_ON);
      return nodes
          .builder()
          .op("OneHot", Map.of("axis", Attribute.of(-1L)), ids, classes, offAndOn);
    }
  }

  /**
   * The mean over all texts and labels of {@code -y log p - (1 - y) log(1 - p)} with p the sigmoid
   * of the score, computed without overflow as {@code softplus(x) - x y}.
   *
   * @param labels float {@code [batch, labels]}: 1 where a label holds, 0 elsewhere
   */
  record BinaryCrossEntropy(Value labels) implements Loss {
    static BinaryCrossEntropy over(Graph graph) {
      return new BinaryCrossEntropy(
          graph.addInput(
              LABELS, TensorType.of(DType.FLOAT, Dim.of("batch"), Dim.of(ParameterSpec.LABELS))));
    }

    @Override
    public Value add(Nodes nodes, Value scores) {
      Value each = nodes.op("Sub", nodes.op("Softplus", scores), nodes.op("Mul", scores, labels));
      return nodes.mean(each);
    }
  }

  /**
   * The mean over the batch of the squared difference between a number and the right one.
   *
   * @param labels float {@code [batch]}
   */
  record SquaredError(Value labels) implements Loss {
    static SquaredError over(Graph graph) {
      return new SquaredError(graph.addInput(LABELS, TensorType.of(DType.FLOAT, Dim.of("batch"))));
    }

    /** Takes one number a row, {@code [batch, 1]}: the axis has a free size, as labels have. */
    @Override
    public Value add(Nodes nodes, Value numbers) {
      return nodes.meanSquare(nodes.op("Sub", nodes.at(0, 1, numbers), labels));
    }
  }

  /**
   * Texts and their partners are each other's label: with rows 0 to N-1 the texts, rows N to 2N-1
   * their partners and, in triplets, rows 2N to 3N-1 what does not belong to them, the cross
   * entropy over the cosine similarities of every text with every row behind the texts, divided by
   * the temperature (the multiple-negatives ranking loss, Henderson et al., 2017,
   * arXiv:1705.00652).
   *
   * @param hidden size of an embedding
   * @param texts of an example: 2 or 3
   * @param temperature above 0
   */
  record InBatchContrastive(long hidden, int texts, double temperature) implements Loss {
    /** Takes embeddings of length 1, {@code [texts * N, hidden]}. */
    @Override
    public Value add(Nodes nodes, Value embeddings) {
      Value parts = nodes.reshape(embeddings, texts, -1, hidden);
      Value others =
          texts == 2
              ? nodes.at(1, 0, parts)
              : nodes.reshape(nodes.op("Gather", parts, nodes.builder().longs(1, 2)), -1, hidden);
      Value candidates =
          nodes.builder().op("Transpose", Map.of("perm", Attribute.ints(1, 0)), others);
      Value scale = nodes.builder().scalar((float) (1 / temperature));
      Value scores = nodes.op("MatMul", nodes.op("Mul", nodes.at(0, 0, parts), scale), candidates);
      // Ones on the main diagonal, also where there are more candidates than texts.
      Value own = nodes.op("Mul", nodes.logSoftmax(scores), nodes.op("EyeLike", scores));
      Value rows = nodes.toFloat(nodes.size(0, scores));
      return nodes.op("Neg", nodes.op("Div", nodes.sum(own), rows));
    }
  }

  /**
   * The mean over pairs of the squared difference between the cosine of their embeddings and their
   * score, with rows 0 to N-1 the first texts and rows N to 2N-1 the second ones.
   *
   * @param labels float {@code [batch/2]}
   * @param hidden size of an embedding
   */
  record CosineError(Value labels, long hidden) implements Loss {
    static CosineError over(Graph graph, long hidden) {
      return new CosineError(
          graph.addInput(LABELS, TensorType.of(DType.FLOAT, Dim.of("batch/2"))), hidden);
    }

    /** Takes embeddings of length 1, {@code [2N, hidden]}. */
    @Override
    public Value add(Nodes nodes, Value embeddings) {
      Value halves = nodes.reshape(embeddings, 2, -1, hidden);
      Value products = nodes.op("Mul", nodes.at(0, 0, halves), nodes.at(1, 0, halves));
      Value cosines = nodes.reshape(nodes.sumAlong(1, products), -1);
      return nodes.meanSquare(nodes.op("Sub", cosines, labels));
    }
  }

  /**
   * Adds the loss.
   *
   * @param prediction scores {@code [batch, labels]} or {@code [batch, sequence, labels]}, or
   *     embeddings {@code [batch, hidden]}
   * @return a float scalar
   */
  Value add(Nodes nodes, Value prediction);
}
