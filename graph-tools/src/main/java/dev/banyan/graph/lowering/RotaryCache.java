package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * The cosines and sines of all positions, of which a sequence takes some.
 *
 * @param cos {@code [positions, rotated / 2]}
 * @param sin likewise
 * @param half {@code rotated / 2}
 */
record RotaryCache(Value cos, Value sin, long half) {
  /**
   * The cache of a node.
   *
   * @throws dev.banyan.graph.GraphFailure.UnsupportedSetting if its width is not known
   */
  static RotaryCache of(LoweringContext c, int cosInput, int sinInput) {
    Value cos = c.in(cosInput);
    if (cos.type().isPresent() && cos.knownType().dim(-1) instanceof Dim.Known(long half)) {
      return new RotaryCache(cos, c.in(sinInput), half);
    }
    throw c.refuse("the input cos_cache", "the size of its last axis is not known");
  }

  /**
   * What turns the heads of a sequence.
   *
   * @param positions int64 {@code [batch, sequence]}; {@link Value#NONE} counts from 0
   * @param tokens {@code [batch, sequence, ..]}
   */
  Rotation rotation(LoweringContext c, Value positions, Value tokens, boolean interleaved) {
    return new Rotation(
        angles(c, cos, positions, tokens),
        angles(c, sin, positions, tokens),
        interleaved,
        2 * half);
  }

  /** What turns the heads of a sequence, if the cache is {@code [batch, sequence, half]}. */
  Rotation whole(LoweringContext c, boolean interleaved) {
    return new Rotation(
        c.shared(List.of("angles", cos), () -> c.unsqueezed(cos, 2)),
        c.shared(List.of("angles", sin), () -> c.unsqueezed(sin, 2)),
        interleaved,
        2 * half);
  }

  /** {@code [batch or 1, sequence, 1, half]}. */
  private Value angles(LoweringContext c, Value cache, Value positions, Value tokens) {
    Value places = positions.isNone() ? counted(c, tokens) : positions;
    return c.shared(
        List.of("angles", cache, places), () -> c.unsqueezed(c.op("Gather", cache, places), 2));
  }

  /** {@code [1, sequence]}: looked up like any others, so that who finds them can shift them. */
  private static Value counted(LoweringContext c, Value tokens) {
    return c.shared(
        List.of("positions", CausalMask.sequence(tokens)),
        () -> c.reshape(CausalMask.positions(c.sharedBuilder(), tokens), 1, -1));
  }
}
