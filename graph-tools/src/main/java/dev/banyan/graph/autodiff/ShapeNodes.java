package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongBinaryOperator;
import java.util.stream.IntStream;

/**
 * Works with shapes and axes, known before the graph runs or not, and spells each operator as the
 * model's operator set version has it.
 */
public class ShapeNodes extends OperatorNodes {
  /** Adds to the graph of this model. */
  ShapeNodes(Model model) {
    super(model);
  }

  /** Adds to the same graph, with {@code name} in the names of what it adds. */
  ShapeNodes(ShapeNodes shared, String name) {
    super(shared, name);
  }

  // ---- sizes ----

  /** The type of a forward value, or of a gradient that the driver has finished. */
  public final TensorType type(Value value) {
    return value.knownType();
  }

  /** The shape of a value, int64 {@code [rank]}: a constant if every dimension is known. */
  public final Value shapeOf(Value value) {
    return type(value)
        .shape()
        .map(shape -> longs(shape.toArray()))
        .orElseGet(() -> op("Shape", value));
  }

  /** The size of one axis of a value, int64 {@code [1]}: a constant if it is known. */
  public final Value dimOf(Value value, int axis) {
    return switch (type(value).dim(axis)) {
      case Dim.Known(long size) -> longs(size);
      case Dim.Symbolic symbolic -> gatherDim(value, axis);
      case Dim.Unknown unknown -> gatherDim(value, axis);
    };
  }

  private Value gatherDim(Value value, int axis) {
    return op("Gather", op("Shape", value), longs(axis < 0 ? axis + type(value).rank() : axis));
  }

  /** One element of a one-dimensional integer value, int64 {@code [1]}. */
  public final Value elementOf(Value value, int index) {
    return Constants.longs(value)
        .map(values -> longs(values[index]))
        .orElseGet(() -> cast(op("Gather", value, longs(index)), DType.INT64));
  }

  /** {@code a + b} of two int64 {@code [1]}. */
  public final Value plus(Value a, Value b) {
    return folded(a, b, Long::sum).orElseGet(() -> op("Add", a, b));
  }

  /** {@code a - b} of two int64 {@code [1]}. */
  public final Value minus(Value a, Value b) {
    return folded(a, b, (x, y) -> x - y).orElseGet(() -> op("Sub", a, b));
  }

  /** {@code a * b} of two int64 {@code [1]}. */
  public final Value product(Value a, Value b) {
    return folded(a, b, (x, y) -> x * y).orElseGet(() -> op("Mul", a, b));
  }

  private Optional<Value> folded(Value a, Value b, LongBinaryOperator operator) {
    return Constants.longs(a)
        .filter(x -> x.length == 1)
        .flatMap(
            x ->
                Constants.longs(b)
                    .filter(y -> y.length == 1)
                    .map(y -> longs(operator.applyAsLong(x[0], y[0]))));
  }

  /** Sizes, each int64 {@code [1]}, in one int64 {@code [n]}. */
  public final Value concat(List<Value> sizes) {
    List<long[]> known = sizes.stream().flatMap(size -> Constants.longs(size).stream()).toList();
    return known.size() == sizes.size()
        ? longs(known.stream().mapToLong(size -> size[0]).toArray())
        : op("Concat", Map.of("axis", Attribute.of(0L)), sizes.toArray(Value[]::new));
  }

  // ---- other shapes ----

  /** {@code value} in the shape of {@code like}, which has as many elements. */
  public final Value reshapeLike(Value value, Value like) {
    return reshape(value, reshapeTarget(like));
  }

  /** {@code value} in the shape that an int64 tensor says. */
  public final Value reshape(Value value, Value shape) {
    // From opset 14 on a zero can mean zero, which the shape of an empty tensor needs.
    Optional<long[]> known = Constants.longs(shape);
    boolean mayHoldZero = known.map(dims -> Arrays.stream(dims).anyMatch(d -> d == 0)).orElse(true);
    return mayHoldZero && opset() >= 14
        ? op("Reshape", Map.of("allowzero", Attribute.of(1L)), value, shape)
        : op("Reshape", value, shape);
  }

  private Value reshapeTarget(Value like) {
    long[] dims = new long[type(like).rank()];
    int open = 0;
    boolean empty = false;
    for (int axis = 0; axis < dims.length; axis++) {
      if (type(like).dim(axis) instanceof Dim.Known(long size)) {
        dims[axis] = size;
        empty |= size == 0;
      } else {
        dims[axis] = -1;
        open++;
      }
    }
    return open == 0 || (open == 1 && !empty) ? longs(dims) : op("Shape", like);
  }

  /** {@code value} repeated to the shape of {@code like}. */
  public final Value expandLike(Value value, Value like) {
    return op("Expand", value, shapeOf(like));
  }

  /** Zeros in the shape and type of {@code like}. */
  public final Value zerosLike(Value like) {
    return op("Expand", number(0, type(like).dtype()), shapeOf(like));
  }

  /**
   * Zeros put around a value, or a negative number of elements cut off.
   *
   * @param pads int64 {@code [2 * rank]}: for each axis before it, then for each axis behind it
   */
  public final Value pad(Value value, Value pads) {
    boolean nothing =
        Constants.longs(pads).map(all -> Arrays.stream(all).allMatch(n -> n == 0)).orElse(false);
    return nothing ? value : op("Pad", value, pads);
  }

  /** Everything but the last axis made one axis: {@code [rows, last]}. */
  public final Value flattenRows(Value value, int rank) {
    return rank == 2 ? value : op("Flatten", Map.of("axis", Attribute.of((long) rank - 1)), value);
  }

  /** Axes permuted. */
  public final Value transpose(Value value, int... permutation) {
    boolean same = IntStream.range(0, permutation.length).allMatch(i -> permutation[i] == i);
    return same
        ? value
        : op(
            "Transpose",
            Map.of("perm", Attribute.ints(Arrays.stream(permutation).asLongStream().toArray())),
            value);
  }

  /** The last two axes swapped. */
  public final Value swapLast(Value value, int rank) {
    int[] permutation = IntStream.range(0, rank).toArray();
    permutation[rank - 1] = rank - 2;
    permutation[rank - 2] = rank - 1;
    return transpose(value, permutation);
  }

  // ---- axes ----

  /** Axes of size 1 put in at these places of the result. */
  public final Value unsqueeze(Value value, List<Integer> axes) {
    return axesOp("Unsqueeze", 13, Map.of(), value, axes);
  }

  /** These axes of size 1 taken away. */
  public final Value squeeze(Value value, List<Integer> axes) {
    return axesOp("Squeeze", 13, Map.of(), value, axes);
  }

  /** The sum over these axes, which stay with size 1. */
  public final Value sum(Value value, List<Integer> axes) {
    return axesOp("ReduceSum", 13, Map.of("keepdims", Attribute.of(1L)), value, axes);
  }

  /** The sum over these axes, which go away. */
  public final Value sumAway(Value value, List<Integer> axes) {
    return axesOp("ReduceSum", 13, Map.of("keepdims", Attribute.of(0L)), value, axes);
  }

  /** The mean over these axes, which stay with size 1. */
  public final Value mean(Value value, List<Integer> axes) {
    return axesOp("ReduceMean", 18, Map.of("keepdims", Attribute.of(1L)), value, axes);
  }

  /** Axes are an attribute before {@code since} and an input from then on. */
  private Value axesOp(
      String type, int since, Map<String, Attribute> attributes, Value value, List<Integer> axes) {
    if (axes.isEmpty()) {
      return value;
    }
    long[] sorted = axes.stream().mapToLong(Integer::longValue).sorted().toArray();
    if (opset() >= since) {
      return op(type, attributes, value, longs(sorted));
    }
    Map<String, Attribute> more = new TreeMap<>(attributes);
    more.put("axes", Attribute.ints(sorted));
    return op(type, more, value);
  }
}
