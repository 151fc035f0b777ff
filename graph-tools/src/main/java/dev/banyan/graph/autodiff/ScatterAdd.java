package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Adds picked elements up where they were picked from, with what the model's operator set has. */
final class ScatterAdd {
  private static final Attribute ADD = Attribute.of("add");

  private ScatterAdd() {}

  /**
   * Picked slices of a tensor.
   *
   * @param slices as many slices along the axis as were picked
   * @param sizes the size of each axis, int64 {@code [1]}, once they are back in their places
   */
  record Part(Value slices, List<Value> sizes) {}

  /** True if the operator set can scatter and add: it could only overwrite before opset 16. */
  static boolean isOneNode(GradientContext c) {
    return c.opset() >= 16;
  }

  /**
   * Adds slices along an axis up at their positions in the data.
   *
   * @param positions int64 {@code [n]}, none negative; they may repeat
   */
  static Value slices(GradientContext c, Part part, int axis, Value positions) {
    int rank = part.sizes().size();
    int[] toFront =
        IntStream.range(0, rank).map(i -> i == 0 ? axis : i <= axis ? i - 1 : i).toArray();
    int[] back = IntStream.range(0, rank).map(i -> i < axis ? i + 1 : i == axis ? 0 : i).toArray();
    Value rows = c.transpose(part.slices(), toFront);
    List<Value> sizes = IntStream.of(toFront).mapToObj(part.sizes()::get).toList();
    Value sum =
        isOneNode(c)
            ? tuples(c, c.concat(sizes), c.unsqueeze(positions, List.of(1)), rows)
            : rows(c, new Part(rows, sizes), positions);
    return c.transpose(sum, back);
  }

  /**
   * Adds rows up at their positions along the first axis: a product with ones at (place, position)
   * can do what older operator sets cannot, and is fast where many rows have one place.
   *
   * @param positions int64 {@code [n]}, none negative; they may repeat
   */
  static Value rows(GradientContext c, Part part, Value positions) {
    Value places = c.unsqueeze(Positions.range(c, part.sizes().getFirst()), List.of(1));
    Value ones = c.cast(c.op("Equal", places, positions), c.dtype());
    Value rows = part.slices();
    Value matrix =
        part.sizes().size() == 1 ? rows : c.op("Flatten", Map.of("axis", Attribute.of(1L)), rows);
    return c.reshape(c.op("MatMul", ones, matrix), c.concat(part.sizes()));
  }

  /**
   * Adds up at index tuples {@code [..., k]}; for {@link #isOneNode} only.
   *
   * @param shape of the result, int64
   */
  static Value tuples(GradientContext c, Value shape, Value indices, Value updates) {
    return inFloat(
        c,
        shape,
        updates,
        (zeros, wide) -> c.op("ScatterND", Map.of("reduction", ADD), zeros, indices, wide));
  }

  /** A node that adds updates to zeros. */
  @FunctionalInterface
  private interface Adding {
    Value of(Value zeros, Value updates);
  }

  /**
   * Half precision is added up in float: many small numbers would be lost in their sum, and ONNX
   * Runtime has no such kernel on the CPU.
   */
  private static Value inFloat(GradientContext c, Value shape, Value updates, Adding node) {
    DType type = c.dtype();
    if (type == DType.FLOAT || type == DType.DOUBLE) {
      return node.of(c.op("Expand", c.number(0), shape), updates);
    }
    Value zeros = c.op("Expand", c.number(0, DType.FLOAT), shape);
    return c.cast(node.of(zeros, c.cast(updates, DType.FLOAT)), type);
  }

  /**
   * Adds each element up at its position along an axis.
   *
   * @param indices positions in the shape of {@code updates}; negative ones count from the end
   * @param target where they go
   */
  static Value elements(GradientContext c, Value indices, Value updates, Target target) {
    if (isOneNode(c)) {
      Map<String, Attribute> attributes =
          Map.of("reduction", ADD, "axis", Attribute.of((long) target.axis()));
      return inFloat(
          c,
          c.shapeOf(target.like()),
          updates,
          (zeros, wide) -> c.op("ScatterElements", attributes, zeros, indices, wide));
    }
    // Elements times ones at [..., element, place, ...], summed over the elements.
    int axis = target.axis();
    int rank = c.rank(target.like());
    Value size = c.dimOf(target.like(), axis);
    List<Integer> behind = IntStream.range(1, rank - axis).boxed().toList();
    Value places = c.unsqueeze(Positions.range(c, size), behind);
    Value positions = c.unsqueeze(Positions.fromFront(c, indices, size), List.of(axis + 1));
    Value ones = c.cast(c.op("Equal", positions, places), c.dtype());
    Value spread = c.mul(c.unsqueeze(updates, List.of(axis + 1)), ones);
    return widened(c, c.sumAway(spread, List.of(axis)), indices, target);
  }

  /**
   * Adds elements up in a row; for {@link #isOneNode} only.
   *
   * @param size of the row, int64 {@code [1]}
   * @param positions int64 {@code [n]}
   */
  static Value row(GradientContext c, Value size, Value positions, Value updates) {
    Map<String, Attribute> attributes = Map.of("reduction", ADD, "axis", Attribute.of(0L));
    return inFloat(
        c,
        size,
        updates,
        (zeros, wide) -> c.op("ScatterElements", attributes, zeros, positions, wide));
  }

  /**
   * Where elements go.
   *
   * @param like has the shape of the result
   * @param axis the axis that positions are along, counted from the front
   */
  record Target(Value like, int axis) {}

  /** The other axes of the indices may be shorter than those of the data. */
  private static Value widened(GradientContext c, Value sum, Value indices, Target target) {
    List<Value> pads = new ArrayList<>();
    int rank = c.rank(target.like());
    for (int axis = 0; axis < 2 * rank; axis++) {
      boolean atEnd = axis >= rank && axis - rank != target.axis();
      pads.add(
          atEnd
              ? c.minus(c.dimOf(target.like(), axis - rank), c.dimOf(indices, axis - rank))
              : c.longs(0));
    }
    return c.pad(sum, c.concat(pads));
  }
}
