package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * Attention on query, key and value that other layers made, with the biases of those layers fused
 * in.
 */
final class LowerMultiHeadAttention implements LoweringRule {
  private static final float MASK_FILTER = -10000;

  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("MultiHeadAttention"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    check(c);
    long heads = c.node().intAttribute("num_heads", 0);
    long width = width(c, 0);
    long valueWidth = width(c, 2);
    Value query = c.plus(c.in(0), bias(c, "query", 0, width));
    Value key = c.plus(c.in(1), bias(c, "key", width, width));
    Value value = c.plus(c.in(2), bias(c, "value", 2 * width, valueWidth));
    double scale = c.node().realAttribute("scale", 0);
    var scores =
        new ScaledAttention.Scores(
            scale == 0 ? 1 / Math.sqrt((double) width / heads) : scale, 0, bias(c));
    Value result =
        new ScaledAttention(
                c.transpose(c.reshape(query, 0, 0, heads, width / heads), 0, 2, 1, 3),
                c.transpose(c.reshape(key, 0, 0, heads, width / heads), 0, 2, 3, 1),
                c.transpose(c.reshape(value, 0, 0, heads, valueWidth / heads), 0, 2, 1, 3),
                scores)
            .add(c);
    c.output(0, c.reshape(c.transpose(result, 0, 2, 1, 3), 0, 0, valueWidth));
  }

  private static void check(LoweringContext c) {
    for (int i = 0; i < 3; i++) {
      if (c.in(i).isNone() || c.knownRank(c.in(i)) != 3) {
        throw c.refuse(
            "query, key and value packed or by head",
            "only three inputs of [batch, sequence, hidden] are");
      }
      c.requireFloat(c.in(i));
    }
    c.requireAbsent(6, "past_key (drop the past first)");
    c.requireAbsent(7, "past_value (drop the past first)");
    c.requireAbsent(9, "cache_indirection");
    c.requireUnused(1, "present_key (drop the past first)");
    c.requireUnused(2, "present_value (drop the past first)");
    c.requireUnused(3, "qk");
  }

  private static long width(LoweringContext c, int input) {
    if (c.in(input).knownType().dim(-1) instanceof Dim.Known(long size)) {
      return size;
    }
    throw c.refuse("the input '" + c.in(input) + "'", "the size of its last axis is not known");
  }

  private static Value bias(LoweringContext c, String part, long from, long width) {
    if (c.in(3).isNone()) {
      return Value.NONE;
    }
    Tensor bias = c.constant(3, "bias");
    return c.shared(
        List.of("columns", c.in(3), from),
        () -> c.addConstant(WeightParts.columns(bias, bias.name() + "/" + part, from, width)));
  }

  /** What is added to scores. */
  private static Value bias(LoweringContext c) {
    Value bias = c.in(5);
    if (!c.in(4).isNone()) {
      float hidden = c.node().realAttribute("mask_filter_value", MASK_FILTER);
      bias = c.sharedSum(bias, new KeyMask(c.in(4), hidden).of(c, c.in(1)));
    }
    if (c.node().intAttribute("unidirectional", 0) != 0) {
      bias = c.sharedSum(bias, new CausalMask(0, 1).of(c, c.in(0)));
    }
    return bias;
  }
}
