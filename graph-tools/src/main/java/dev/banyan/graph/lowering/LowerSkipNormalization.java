package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;

/**
 * A residual connection and the normalization behind it: {@code norm(input + skip + bias)}. The
 * last output is the sum, which the next residual connection reads.
 */
final class LowerSkipNormalization implements LoweringRule {
  private static final OpId WITH_MEAN = OpId.microsoft("SkipLayerNormalization");
  private static final OpId WITHOUT_MEAN = OpId.microsoft("SkipSimplifiedLayerNormalization");
  private static final float EPSILON = 1e-5f;

  @Override
  public List<OpId> operators() {
    return List.of(WITH_MEAN, WITHOUT_MEAN);
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.requireFloat(c.in(0));
    c.requireUnused(1, "mean");
    c.requireUnused(2, "inv_std_var");
    boolean mean = c.node().op().equals(WITH_MEAN);
    Value beta = mean ? c.in(3) : Value.NONE;
    Value bias = mean ? c.in(4) : c.in(3);
    // The bias belongs to the layer in front.
    Value sum = c.op("Add", c.plus(c.in(0), bias), c.in(1));
    Map<String, Attribute> settings =
        Map.of(
            "axis", Attribute.of(-1L),
            "epsilon", Attribute.of(c.node().realAttribute("epsilon", EPSILON)));
    c.output(
        0,
        mean
            ? c.op("LayerNormalization", settings, sum, c.in(2), beta)
            : c.op("SimplifiedLayerNormalization", settings, sum, c.in(2)));
    c.output(3, sum);
  }
}
