package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.List;

/**
 * Which keys are padding, as a number that is added to scores. Nodes that are given the same mask
 * share it.
 *
 * @param mask 1 for a key that is seen and 0 for one that is not: {@code [batch, keys]} or {@code
 *     [batch, queries, keys]}; or how many keys of each text are seen, {@code [batch]}
 * @param hidden the number for a key that is not seen
 */
record KeyMask(Value mask, float hidden) {
  /**
   * The mask, float {@code [batch, 1, 1 or queries, keys]}.
   *
   * @param tokens what the keys come from, {@code [batch, keys, ..]}
   */
  Value of(LoweringContext c, Value tokens) {
    return c.shared(this, () -> make(c, tokens));
  }

  private Value make(LoweringContext c, Value tokens) {
    return switch (c.knownRank(mask)) {
      case 1 -> c.op("Where", seen(c, tokens), c.number(0), c.number(hidden));
      case 2 -> bias(c, c.op("Reshape", mask, shape(c, List.of(0L), List.of(1L))));
      case 3 -> bias(c, c.op("Reshape", mask, shape(c, List.of(0L), List.of(1L, 2L))));
      default ->
          throw c.refuse(
              "a mask of %d axes".formatted(c.knownRank(mask)),
              "only [batch], [batch, keys] and [batch, queries, keys] are");
    };
  }

  /** The mask's sizes with axes of 1 put in. */
  private Value shape(LoweringContext c, List<Long> before, List<Long> behind) {
    long[] ones = new long[4 - before.size() - behind.size()];
    Arrays.fill(ones, 1);
    return c.concat(
        0,
        c.sizes(mask, before.stream().mapToLong(Long::longValue).toArray()),
        c.longs(ones),
        c.sizes(mask, behind.stream().mapToLong(Long::longValue).toArray()));
  }

  private Value bias(LoweringContext c, Value shaped) {
    return c.op("Where", c.cast(shaped, DType.BOOL), c.number(0), c.number(hidden));
  }

  /** Keys come first and padding behind them. */
  private Value seen(LoweringContext c, Value tokens) {
    Value lengths = c.reshape(c.cast(mask, DType.INT64), -1, 1, 1, 1);
    return c.op("Less", CausalMask.positions(c.sharedBuilder(), tokens), lengths);
  }
}
