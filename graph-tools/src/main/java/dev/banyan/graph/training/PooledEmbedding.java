package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.util.Map;

/** Makes one vector {@code [batch, hidden]} of an encoder's output. */
final class PooledEmbedding {
  private PooledEmbedding() {}

  /**
   * Adds the pooling.
   *
   * @throws dev.banyan.graph.GraphFailure.UnusableModel if the model's own pooler is asked for and
   *     it has none
   */
  static Value add(Nodes nodes, EncoderPorts ports, Pooling pooling) {
    Nodes inner = nodes.in("pooling");
    return switch (pooling) {
      case MEAN -> mean(inner, ports);
      case CLS -> inner.at(0, 1, ports.output(pooling));
      case POOLER -> ports.output(pooling);
    };
  }

  /**
   * The vector divided by its Euclidean length, which is taken as at least 1e-12 as PyTorch does.
   */
  static Value normalized(Nodes nodes, Value embedding) {
    Nodes inner = nodes.in("normalize");
    Value length = inner.op("Sqrt", inner.sumAlong(1, inner.op("Mul", embedding, embedding)));
    return inner.op("Div", embedding, inner.op("Max", length, inner.builder().scalar(1e-12f)));
  }

  /** The sum over the unmasked tokens, as a product with the mask, divided by their number. */
  private static Value mean(Nodes nodes, EncoderPorts ports) {
    Value mask = ports.mask().map(nodes::toFloat).orElseGet(() -> allOnes(nodes, ports.ids()));
    Value sums =
        nodes.reshape(
            nodes.op("MatMul", nodes.reshape(mask, 0, 1, -1), ports.hiddenStates()),
            0,
            ports.hidden());
    Value tokens = nodes.op("Max", nodes.sumAlong(1, mask), nodes.builder().scalar(1e-9f));
    return nodes.op("Div", sums, tokens);
  }

  private static Value allOnes(Nodes nodes, Value ids) {
    return nodes
        .builder()
        .op(
            "ConstantOfShape",
            Map.of("value", new Attribute.Constant(Tensor.ofFloats("one", Shape.of(1), 1f))),
            nodes.op("Shape", ids));
  }
}
