package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Self-attention as {@code transformers.optimizer} fuses it, with the layers of query, key and
 * value in one packed weight. They become three layers again.
 */
final class LowerPackedAttention implements LoweringRule {
  private static final List<String> PARTS = List.of("query", "key", "value");
  private static final float MASK_FILTER = -10000;

  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("Attention"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    check(c);
    long[] widths = widths(c);
    List<Value> parts = layers(c, widths);
    long heads = c.node().intAttribute("num_heads", 0);
    Value[] byHead = new Value[3];
    for (int i = 0; i < 3; i++) {
      byHead[i] = c.reshape(parts.get(i), 0, 0, heads, widths[i] / heads);
    }
    double scale = c.node().realAttribute("scale", 0);
    var scores =
        new ScaledAttention.Scores(
            scale == 0 ? 1 / Math.sqrt((double) widths[0] / heads) : scale, 0, bias(c));
    Value result =
        new ScaledAttention(
                c.transpose(byHead[0], 0, 2, 1, 3),
                c.transpose(byHead[1], 0, 2, 3, 1),
                c.transpose(byHead[2], 0, 2, 1, 3),
                scores)
            .add(c);
    c.output(0, c.reshape(c.transpose(result, 0, 2, 1, 3), 0, 0, widths[2]));
  }

  private static void check(LoweringContext c) {
    c.requireFloat(c.in(0));
    c.requireAbsent(4, "past (drop the past first)");
    c.requireAbsent(6, "past_sequence_length");
    c.requireUnused(1, "present (drop the past first)");
    c.requireAttribute("do_rotary", 0);
  }

  /** Columns of query, key and value. */
  private static long[] widths(LoweringContext c) {
    Node node = c.node();
    Tensor weight = c.constant(1, "weights");
    long all = weight.shape().dim(-1);
    long[] widths =
        node.intsAttribute("qkv_hidden_sizes")
            .filter(sizes -> !sizes.isEmpty())
            .map(sizes -> sizes.stream().mapToLong(Long::longValue).toArray())
            .orElseGet(() -> new long[] {all / 3, all / 3, all / 3});
    long heads = node.intAttribute("num_heads", 0);
    if (heads < 1 || widths[0] % heads != 0 || widths[2] % heads != 0) {
      throw c.refuse("num_heads = " + heads, "the layer's widths are no multiples of it");
    }
    return widths;
  }

  private static List<Value> layers(LoweringContext c, long[] widths) {
    Tensor weight = c.constant(1, "weights");
    AttentionName name = AttentionName.of(c.node());
    List<Value> layers = new ArrayList<>();
    long from = 0;
    for (int i = 0; i < 3; i++) {
      String part = PARTS.get(i);
      long at = from;
      long width = widths[i];
      Value own =
          c.shared(
              List.of("columns", c.in(1), at),
              () ->
                  c.addConstant(
                      WeightParts.columns(weight, weight.name() + "/" + part, at, width)));
      Value product = c.layer(name.layer(i), c.in(0), own);
      layers.add(c.plus(product, bias(c, part, at, width)));
      from += width;
    }
    return layers;
  }

  private static Value bias(LoweringContext c, String part, long from, long width) {
    if (c.in(2).isNone()) {
      return Value.NONE;
    }
    Tensor bias = c.constant(2, "bias");
    return c.shared(
        List.of("columns", c.in(2), from),
        () -> c.addConstant(WeightParts.columns(bias, bias.name() + "/" + part, from, width)));
  }

  /** What is added to scores for padding, for later keys, and by the model itself. */
  private static Value bias(LoweringContext c) {
    float hidden = c.node().realAttribute("mask_filter_value", MASK_FILTER);
    Value bias = c.in(5);
    if (!c.in(3).isNone()) {
      bias = c.sharedSum(bias, new KeyMask(c.in(3), hidden).of(c, c.in(0)));
    }
    if (c.node().intAttribute("unidirectional", 0) != 0) {
      bias = c.sharedSum(bias, new CausalMask(0, 1).of(c, c.in(0)));
    }
    return bias;
  }
}
