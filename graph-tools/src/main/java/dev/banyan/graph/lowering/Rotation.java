package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Value;
import java.util.List;

/**
 * Rotary position embedding (Su et al., 2021, arXiv:2104.09864): pairs of elements of a head are
 * turned by an angle that grows with the position.
 *
 * @param cos cosines for each position of the sequence, broadcastable to {@code [batch, sequence,
 *     heads, rotated / 2]}
 * @param sin sines likewise
 * @param interleaved whether the pairs are neighbours; else they are half a head apart
 * @param rotated how many elements at the front of a head are turned
 */
record Rotation(Value cos, Value sin, boolean interleaved, long rotated) {
  /**
   * Turns every head.
   *
   * @param heads {@code [batch, sequence, heads, head size]}
   */
  Value of(LoweringContext c, Value heads, long count, long headSize) {
    if (rotated == headSize) {
      return turned(c, heads, count);
    }
    List<Value> parts = c.split(heads, 3, rotated, headSize - rotated);
    return c.concat(3, turned(c, parts.get(0), count), parts.get(1));
  }

  private Value turned(LoweringContext c, Value x, long count) {
    return interleaved ? neighbours(c, x, count) : halves(c, x);
  }

  private Value halves(LoweringContext c, Value x) {
    List<Value> half = c.split(x, 3, rotated / 2, rotated / 2);
    Value quarterTurn = c.concat(3, c.op("Neg", half.get(1)), half.get(0));
    return c.op(
        "Add", c.op("Mul", x, twice(c, cos, 3)), c.op("Mul", quarterTurn, twice(c, sin, 3)));
  }

  /** The same on {@code [.., rotated / 2, 2]}, where the halves of a pair are the last axis. */
  private Value neighbours(LoweringContext c, Value x, long count) {
    Value pairs = c.reshape(x, 0, 0, count * (rotated / 2), 2);
    List<Value> half = c.split(pairs, 3, 1, 1);
    Value quarterTurn =
        c.op(
            "Reshape",
            c.concat(3, c.op("Neg", half.get(1)), half.get(0)),
            c.longs(0, 0, count, rotated));
    return c.op(
        "Add", c.op("Mul", x, repeated(c, cos)), c.op("Mul", quarterTurn, repeated(c, sin)));
  }

  /** {@code [a, b]} becomes {@code [a, b, a, b]}. */
  private static Value twice(LoweringContext c, Value angles, long axis) {
    return c.shared(List.of("twice", angles), () -> c.concat(axis, angles, angles));
  }

  /** {@code [a, b]} becomes {@code [a, a, b, b]}. */
  private Value repeated(LoweringContext c, Value angles) {
    return c.shared(
        List.of("repeated", angles),
        () -> {
          Value column = c.op("Reshape", angles, c.longs(0, 0, rotated / 2, 1));
          return c.op("Reshape", c.concat(3, column, column), c.longs(0, 0, 1, rotated));
        });
  }
}
