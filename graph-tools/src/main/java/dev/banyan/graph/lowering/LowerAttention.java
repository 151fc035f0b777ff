package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * {@code Attention} of operator sets 23 and 24, by head or in rows, with shared key heads, without
 * a past.
 */
final class LowerAttention implements LoweringRule {
  @Override
  public List<OpId> operators() {
    return List.of(OpId.onnx("Attention"));
  }

  /**
   * Sizes.
   *
   * @param queries number of query heads
   * @param keys number of key heads
   * @param size elements of a query or key head
   * @param valueSize elements of a value head
   */
  private record Heads(long queries, long keys, long size, long valueSize) {
    long group() {
      return queries / keys;
    }
  }

  @Override
  public void rewrite(LoweringContext c) {
    check(c);
    boolean rows = c.knownRank(c.in(0)) == 3;
    Heads heads = heads(c, rows);
    Value query = rows ? byHead(c, c.in(0), heads.queries(), heads.size()) : c.in(0);
    Value key = rows ? keyTransposed(c, heads) : c.transpose(c.in(1), 0, 1, 3, 2);
    Value value = rows ? byHead(c, c.in(2), heads.keys(), heads.valueSize()) : c.in(2);
    // Query heads that share a key head become an axis of their own.
    boolean grouped = heads.group() > 1;
    Value result =
        new ScaledAttention(
                grouped
                    ? c.reshape(query, 0, heads.keys(), heads.group(), -1, heads.size())
                    : query,
                grouped ? c.unsqueezed(key, 2) : key,
                grouped ? c.unsqueezed(value, 2) : value,
                scores(c, heads, grouped))
            .add(c);
    Value whole = grouped ? c.reshape(result, 0, heads.queries(), -1, heads.valueSize()) : result;
    c.output(
        0,
        rows
            ? c.reshape(c.transpose(whole, 0, 2, 1, 3), 0, 0, heads.queries() * heads.valueSize())
            : whole);
  }

  private static void check(LoweringContext c) {
    c.requireFloat(c.in(0));
    c.requireAbsent(4, "past_key (drop the past first)");
    c.requireAbsent(5, "past_value (drop the past first)");
    c.requireAbsent(6, "nonpad_kv_seqlen");
    c.requireUnused(1, "present_key (drop the past first)");
    c.requireUnused(2, "present_value (drop the past first)");
    c.requireUnused(3, "qk_matmul_output");
    double cap = c.node().realAttribute("softcap", 0);
    if (cap != 0 && !c.in(3).isNone()) {
      throw c.refuse("softcap = " + cap + " with attn_mask", "their order differs by version");
    }
  }

  private static Heads heads(LoweringContext c, boolean rows) {
    if (rows) {
      long queries = c.node().intAttribute("q_num_heads", 0);
      long keys = c.node().intAttribute("kv_num_heads", 0);
      return new Heads(queries, keys, size(c, 0, -1) / queries, size(c, 2, -1) / keys);
    }
    return new Heads(size(c, 0, 1), size(c, 1, 1), size(c, 0, -1), size(c, 2, -1));
  }

  private static long size(LoweringContext c, int input, int axis) {
    if (c.in(input).knownType().dim(axis) instanceof Dim.Known(long size)) {
      return size;
    }
    throw c.refuse(
        "the input '" + c.in(input) + "'", "the size of its axis " + axis + " is not known");
  }

  private static Value byHead(LoweringContext c, Value rows, long heads, long size) {
    return c.transpose(c.reshape(rows, 0, 0, heads, size), 0, 2, 1, 3);
  }

  private static Value keyTransposed(LoweringContext c, Heads heads) {
    return c.transpose(c.reshape(c.in(1), 0, 0, heads.keys(), heads.size()), 0, 2, 3, 1);
  }

  private static ScaledAttention.Scores scores(LoweringContext c, Heads heads, boolean grouped) {
    double scale = c.node().realAttribute("scale", 0);
    return new ScaledAttention.Scores(
        scale == 0 ? 1 / Math.sqrt((double) heads.size()) : scale,
        c.node().realAttribute("softcap", 0),
        bias(c, heads, grouped));
  }

  private static Value bias(LoweringContext c, Heads heads, boolean grouped) {
    Value bias = c.in(3);
    if (!bias.isNone()) {
      Value given = bias;
      bias = c.shared(List.of("mask", given), () -> asNumbers(c, given));
      if (grouped && c.knownRank(given) == 4) {
        bias = groupedBias(c, given, bias, heads);
      }
    }
    return c.node().intAttribute("is_causal", 0) == 0
        ? bias
        : c.sharedSum(bias, new CausalMask(0, 1).of(c, rowsOfQueries(c)));
  }

  /** False hides a key. */
  private static Value asNumbers(LoweringContext c, Value mask) {
    return mask.knownType().dtype() == DType.BOOL
        ? c.op("Where", mask, c.number(0), c.number(CausalMask.HIDDEN))
        : mask;
  }

  private static Value groupedBias(LoweringContext c, Value given, Value bias, Heads heads) {
    return given.knownType().dim(1).isKnownToBe(1)
        ? c.unsqueezed(bias, 2)
        : c.op(
            "Reshape",
            bias,
            c.concat(
                0, c.sizes(given, 0), c.longs(heads.keys(), heads.group()), c.sizes(given, 2, 3)));
  }

  /** {@code [batch, queries, ..]}, of which a causal mask takes the length. */
  private static Value rowsOfQueries(LoweringContext c) {
    return c.knownRank(c.in(0)) == 3 ? c.in(0) : c.transpose(c.in(0), 0, 2, 1, 3);
  }
}
