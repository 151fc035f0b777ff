package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;

/** BERT's embeddings: of token, position and segment, added and normalized. */
final class LowerEmbedLayerNormalization implements LoweringRule {
  private static final float EPSILON = 1e-12f;

  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("EmbedLayerNormalization"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.requireFloat(c.in(2));
    Value ids = c.in(0);
    Value sum = c.op("Add", c.op("Gather", c.in(2), ids), positions(c, ids));
    Value all = c.in(1).isNone() ? sum : c.op("Add", sum, c.op("Gather", c.in(4), c.in(1)));
    c.output(
        0,
        c.op(
            "LayerNormalization",
            Map.of(
                "axis", Attribute.of(-1L),
                "epsilon", Attribute.of(c.node().realAttribute("epsilon", EPSILON))),
            all,
            c.in(5),
            c.in(6)));
    if (c.isUsed(1)) {
      c.output(1, tokens(c, ids));
    }
    c.output(2, all);
  }

  private static Value positions(LoweringContext c, Value ids) {
    return c.in(8).isNone()
        ? c.op("Slice", c.in(3), c.longs(0), c.sizes(ids, 1), c.longs(0))
        : c.op("Gather", c.in(3), c.in(8));
  }

  /** How many tokens each text has, int32 {@code [batch]}; 0 without a mask. */
  private static Value tokens(LoweringContext c, Value ids) {
    Value mask = c.in(7);
    if (mask.isNone()) {
      Value zero = c.op("Mul", c.sizes(ids, 0), c.longs(0));
      return c.op("Expand", c.cast(zero, DType.INT32), c.sizes(ids, 0));
    }
    Attribute keep = Attribute.of(0L);
    Value sum =
        c.opset() >= 13
            ? c.op("ReduceSum", Map.of("keepdims", keep), mask, c.longs(1))
            : c.op("ReduceSum", Map.of("keepdims", keep, "axes", Attribute.ints(1)), mask);
    return c.cast(sum, DType.INT32);
  }
}
