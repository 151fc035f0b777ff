package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.List;

/**
 * Causal attention of decoders, in which several query heads share a head of keys and values, on a
 * whole prompt: without a past.
 *
 * <p>Tokens behind a prompt's end are not masked: no earlier query sees them. So the lengths that
 * the operator takes have no influence, and what a query behind the end gives is of no meaning, as
 * in the fused kernel.
 */
final class LowerGroupQueryAttention implements LoweringRule {
  private static final OpId OP = OpId.microsoft("GroupQueryAttention");
  private static final int BIAS = 10;

  @Override
  public List<OpId> operators() {
    return List.of(OP);
  }

  /**
   * Sizes of the attention.
   *
   * @param queries number of query heads
   * @param keys number of key heads
   * @param size elements of a head
   */
  private record Heads(long queries, long keys, long size) {
    /** Query heads that share a key head. */
    long group() {
      return queries / keys;
    }
  }

  @Override
  public void rewrite(LoweringContext c) {
    check(c);
    Heads heads = heads(c);
    List<Value> parts = parts(c, heads);
    Value query = rotated(c, parts.get(0), heads.queries(), heads);
    Value key = rotated(c, parts.get(1), heads.keys(), heads);
    double scale = c.node().realAttribute("scale", 0);
    var scores =
        new ScaledAttention.Scores(
            scale == 0 ? 1 / Math.sqrt((double) heads.size()) : scale,
            c.node().realAttribute("softcap", 0),
            hidden(c, heads));
    Value result =
        new ScaledAttention(
                grouped(c, query, heads),
                c.transpose(key, 0, 2, 3, 1),
                c.transpose(parts.get(2), 0, 2, 1, 3),
                scores)
            .add(c);
    c.output(0, ungrouped(c, result, heads));
  }

  private static void check(LoweringContext c) {
    c.requireFloat(c.in(0));
    c.requireAbsent(3, "past_key (drop the past first)");
    c.requireAbsent(4, "past_value (drop the past first)");
    c.requireUnused(1, "present_key (drop the past first)");
    c.requireUnused(2, "present_value (drop the past first)");
    c.requireUnused(3, "output_qk");
    requireOneBiasForAllHeads(c);
    c.inputsFrom(BIAS + 1)
        .findFirst()
        .ifPresent(
            input -> {
              throw c.refuse("the input '" + input + "'", "of these up to cos_cache only");
            });
    if (c.node().intAttribute("smooth_softmax", 0) > 0) {
      throw c.refuse("smooth_softmax = 1", "only 0 is");
    }
    for (String cache : List.of("k_quant_type", "v_quant_type")) {
      String type = c.node().textAttribute(cache, "NONE");
      if (!type.equals("NONE")) {
        throw c.refuse(cache + " = " + type, "keys and values are not quantized here");
      }
    }
  }

  private static void requireOneBiasForAllHeads(LoweringContext c) {
    Value bias = c.in(BIAS);
    boolean one =
        bias.isNone()
            || bias.type()
                .filter(type -> type.rank() == 4 && type.dim(1).isKnownToBe(1))
                .isPresent();
    if (!one) {
      throw c.refuse("the input attention_bias", "it is not known to be one for all heads");
    }
  }

  /** What is added to the scores: made once for all layers, so that each adds but one value. */
  private static Value hidden(LoweringContext c, Heads heads) {
    CausalMask later = new CausalMask(Math.max(0, window(c.node())), heads.group());
    Value mask = later.of(c, c.in(0));
    Value bias = c.in(BIAS);
    if (bias.isNone()) {
      return mask;
    }
    return c.shared(
        List.of("bias", bias, mask),
        () -> {
          Value[] copies = new Value[Math.toIntExact(heads.group())];
          Arrays.fill(copies, bias);
          return c.op("Add", copies.length == 1 ? bias : c.concat(2, copies), mask);
        });
  }

  private static long window(Node node) {
    return node.intAttribute("local_window_size", -1);
  }

  private static Heads heads(LoweringContext c) {
    long queries = c.node().intAttribute("num_heads", 0);
    long keys = c.node().intAttribute("kv_num_heads", 0);
    if (keys < 1 || queries % keys != 0) {
      throw c.refuse("num_heads = " + queries, "it is no multiple of kv_num_heads = " + keys);
    }
    if (c.in(0).type().isPresent()
        && c.in(0).knownType().dim(-1) instanceof Dim.Known(long width)) {
      return new Heads(queries, keys, width / (isPacked(c) ? queries + 2 * keys : queries));
    }
    throw c.refuse("the input query", "the size of its last axis is not known");
  }

  private static boolean isPacked(LoweringContext c) {
    return c.in(1).isNone();
  }

  /** Query, key and value, each {@code [batch, sequence, its heads, head size]}. */
  private static List<Value> parts(LoweringContext c, Heads heads) {
    long keys = heads.keys();
    if (isPacked(c)) {
      Value packed = c.reshape(c.in(0), 0, 0, heads.queries() + 2 * keys, heads.size());
      return c.split(packed, 2, heads.queries(), keys, keys);
    }
    return List.of(
        c.reshape(c.in(0), 0, 0, heads.queries(), heads.size()),
        c.reshape(c.in(1), 0, 0, keys, heads.size()),
        c.reshape(c.in(2), 0, 0, keys, heads.size()));
  }

  private static Value rotated(LoweringContext c, Value part, long count, Heads heads) {
    if (c.node().intAttribute("do_rotary", 0) == 0) {
      return part;
    }
    boolean interleaved = c.node().intAttribute("rotary_interleaved", 0) != 0;
    return RotaryCache.of(c, 7, 8)
        .rotation(c, c.in(9), c.in(0), interleaved)
        .of(c, part, count, heads.size());
  }

  /** The query heads that share a key head become rows of one matrix: keys are not copied. */
  private static Value grouped(LoweringContext c, Value query, Heads heads) {
    if (heads.group() == 1) {
      return c.transpose(query, 0, 2, 1, 3);
    }
    Value five = c.reshape(query, 0, 0, heads.keys(), heads.group(), heads.size());
    return c.reshape(c.transpose(five, 0, 2, 3, 1, 4), 0, heads.keys(), -1, heads.size());
  }

  private static Value ungrouped(LoweringContext c, Value result, Heads heads) {
    long width = heads.queries() * heads.size();
    if (heads.group() == 1) {
      return c.reshape(c.transpose(result, 0, 2, 1, 3), 0, 0, width);
    }
    Value five = c.reshape(result, 0, 0, heads.group(), -1, heads.size());
    return c.reshape(c.transpose(five, 0, 3, 1, 2, 4), 0, 0, width);
  }
}
