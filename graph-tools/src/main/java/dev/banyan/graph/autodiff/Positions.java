package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;

/** Where along an axis the elements lie that a node picked. */
final class Positions {
  private Positions() {}

  /** A start that may be negative or too big, as a place in the data: int64 [1]. */
  static Value start(GradientContext c, Value start, int axis) {
    Value size = c.dimOf(c.in(0), axis);
    Optional<long[]> known = Constants.longs(start);
    if (known.isPresent() && known.get()[0] == 0) {
      return start;
    }
    Optional<long[]> knownSize = Constants.longs(size);
    if (known.isPresent() && knownSize.isPresent()) {
      long from = known.get()[0] < 0 ? known.get()[0] + knownSize.get()[0] : known.get()[0];
      return c.longs(Math.clamp(from, 0, knownSize.get()[0]));
    }
    Value zero = c.longs(0);
    Value fromFront = c.where(c.op("Less", start, zero), c.plus(start, size), start);
    Value notBefore = c.where(c.op("Less", fromFront, zero), zero, fromFront);
    return c.where(c.op("Less", size, notBefore), size, notBefore);
  }

  /** The places that the {@code i}-th range of a Slice with a step picks: int64 [n]. */
  static Value stepped(GradientContext c, int i, int axis) {
    Value all = range(c, c.dimOf(c.in(0), axis));
    Value start = c.elementOf(c.in(1), i);
    Value end = c.elementOf(c.in(2), i);
    return c.op("Slice", all, start, end, c.longs(0), c.elementOf(c.in(4), i));
  }

  /** Indices of any shape in a row, counted from the front: int64 [n]. */
  static Value flat(GradientContext c, Value indices, int axis) {
    Value counted = fromFront(c, indices, c.dimOf(c.in(0), axis));
    return c.rank(indices) == 1 ? counted : c.reshape(counted, c.longs(-1));
  }

  /** Indices counted from the front of an axis of this size, as int64. */
  static Value fromFront(GradientContext c, Value indices, Value size) {
    return fromFrontOf(
        c, c.type(indices).dtype() == DType.INT64 ? indices : c.cast(indices, DType.INT64), size);
  }

  /** The same for indices that are int64 already. */
  static Value fromFrontOf(GradientContext c, Value wide, Value size) {
    return c.where(c.op("Less", wide, c.longs(0)), c.op("Add", wide, size), wide);
  }

  /** How many elements a value has: int64 [1]. */
  static Value count(GradientContext c, Value value) {
    return c.type(value)
        .shape()
        .map(shape -> c.longs(shape.elements()))
        .orElseGet(() -> c.unsqueeze(c.op("Size", value), List.of(0)));
  }

  /** 0, 1, ... as many as the int64 [1] says. */
  static Value range(GradientContext c, Value count) {
    return c.op("Range", c.whole(0), c.squeeze(count, List.of(0)), c.whole(1));
  }
}
