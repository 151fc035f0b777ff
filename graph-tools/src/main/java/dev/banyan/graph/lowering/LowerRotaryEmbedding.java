package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * Rotary position embedding as an operator of its own: ONNX Runtime's {@code (input, position_ids,
 * cos, sin)} and that of operator set 23, {@code (input, cos, sin, position_ids)}.
 */
final class LowerRotaryEmbedding implements LoweringRule {
  private static final OpId MICROSOFT = OpId.microsoft("RotaryEmbedding");
  private static final OpId ONNX = OpId.onnx("RotaryEmbedding");

  @Override
  public List<OpId> operators() {
    return List.of(MICROSOFT, ONNX);
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.requireFloat(c.in(0));
    c.requireAttribute("is_packed_batching", 0);
    double scale = c.node().realAttribute("scale", 1);
    if (scale != 1) {
      throw c.refuse("scale = " + scale, "only 1 is");
    }
    boolean byHead = c.knownRank(c.in(0)) == 4;
    // [batch, heads, sequence, size] is what a model has behind its transposition.
    Value tokens = byHead ? c.transpose(c.in(0), 0, 2, 1, 3) : c.in(0);
    long heads = heads(c, byHead);
    Rotation rotation = rotation(c, tokens);
    long size = headSize(c, rotation, byHead, heads);
    Value apart = byHead ? tokens : c.reshape(tokens, 0, 0, heads, size);
    Value turned = rotation.of(c, apart, heads, size);
    c.output(0, byHead ? c.transpose(turned, 0, 2, 1, 3) : c.reshape(turned, 0, 0, heads * size));
  }

  private static long heads(LoweringContext c, boolean byHead) {
    if (byHead && c.in(0).knownType().dim(1) instanceof Dim.Known(long count)) {
      return count;
    }
    long count = c.node().intAttribute("num_heads", 0);
    long rotated = c.node().intAttribute("rotary_embedding_dim", 0);
    if (count == 0 && rotated == 0 && c.in(0).knownType().dim(-1) instanceof Dim.Known(long w)) {
      return w / (2 * cache(c).half());
    }
    if (count == 0) {
      throw c.refuse("num_heads = 0", "the number of heads is not known");
    }
    return count;
  }

  private static long headSize(LoweringContext c, Rotation rotation, boolean byHead, long heads) {
    if (c.in(0).knownType().dim(-1) instanceof Dim.Known(long width)) {
      return byHead ? width : width / heads;
    }
    if (c.node().intAttribute("rotary_embedding_dim", 0) == 0) {
      return rotation.rotated();
    }
    throw c.refuse("the input", "the size of its last axis is not known");
  }

  private static RotaryCache cache(LoweringContext c) {
    return isMicrosoft(c) ? RotaryCache.of(c, 2, 3) : RotaryCache.of(c, 1, 2);
  }

  private static Rotation rotation(LoweringContext c, Value tokens) {
    boolean interleaved = c.node().intAttribute("interleaved", 0) != 0;
    RotaryCache cache = cache(c);
    Value positions = c.in(isMicrosoft(c) ? 1 : 3);
    if (positions.isNone()) {
      return cache.whole(c, interleaved);
    }
    boolean offset = c.knownRank(positions) == 1;
    return cache.rotation(
        c, offset ? counted(c, positions, tokens) : positions, tokens, interleaved);
  }

  /** One number says where all sequences begin. */
  private static Value counted(LoweringContext c, Value first, Value tokens) {
    return c.shared(
        List.of("counted", first, CausalMask.sequence(tokens)),
        () ->
            c.reshape(c.op("Add", CausalMask.positions(c.sharedBuilder(), tokens), first), 1, -1));
  }

  private static boolean isMicrosoft(LoweringContext c) {
    return c.node().op().equals(MICROSOFT);
  }
}
