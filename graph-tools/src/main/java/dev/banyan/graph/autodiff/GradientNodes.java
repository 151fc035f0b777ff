package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongBinaryOperator;
import java.util.stream.IntStream;

/**
 * Adds nodes to the backward part of a graph: spells each operator as the model's operator set
 * version has it, and makes the same node only once, so that formulas may repeat what they share.
 */
public class GradientNodes {
  private final GraphBuilder builder;
  private final int opset;
  private final Map<Key, List<Value>> made;

  private record Key(OpId op, Map<String, Attribute> attributes, List<Value> inputs, int outputs) {}

  /** Adds to the graph of this model. */
  GradientNodes(Model model) {
    this(new GraphBuilder(model.graph(), "banyan/gradient"), model.opset(), new HashMap<>());
  }

  /** Adds to the same graph, with {@code name} in the names of what it adds. */
  GradientNodes(GradientNodes shared, String name) {
    this(
        name.isEmpty() ? shared.builder : shared.builder.in(plain(name)),
        shared.opset,
        shared.made);
  }

  private GradientNodes(GraphBuilder builder, int opset, Map<Key, List<Value>> made) {
    this.builder = builder;
    this.opset = opset;
    this.made = made;
  }

  private static String plain(String name) {
    return (name.startsWith("/") ? name.substring(1) : name).replace(' ', '_');
  }

  /** Version of ONNX's operator set that the model speaks. */
  public final int opset() {
    return opset;
  }

  // ---- any operator ----

  /** An ONNX operator with one output. */
  public final Value op(String type, Value... inputs) {
    return ops(OpId.onnx(type), Map.of(), 1, inputs).getFirst();
  }

  /** An ONNX operator with attributes and one output. */
  public final Value op(String type, Map<String, Attribute> attributes, Value... inputs) {
    return ops(OpId.onnx(type), attributes, 1, inputs).getFirst();
  }

  /** Any operator. */
  public final List<Value> ops(
      OpId op, Map<String, Attribute> attributes, int outputs, Value... inputs) {
    return made.computeIfAbsent(
        new Key(op, new TreeMap<>(attributes), List.of(inputs), outputs),
        key -> builder.ops(op, attributes, outputs, inputs));
  }

  /** An output that a forward node can emit and does not yet. */
  final Value emit(Node node, int index) {
    Graph graph = builder.graph();
    return graph.emitOutput(
        node, index, graph.freshName("banyan/gradient/" + node.output() + ":" + index));
  }

  // ---- arithmetic; operands may be broadcast ----

  /** {@code a + b}. */
  public final Value add(Value a, Value b) {
    return op("Add", a, b);
  }

  /** {@code a - b}. */
  public final Value sub(Value a, Value b) {
    return op("Sub", a, b);
  }

  /** {@code a * b}; what is multiplied by the constant 1 stays as it is. */
  public final Value mul(Value a, Value b) {
    if (Constants.isScalarOne(a)) {
      return b;
    }
    return Constants.isScalarOne(b) ? a : op("Mul", a, b);
  }

  /** {@code a / b}. */
  public final Value div(Value a, Value b) {
    return op("Div", a, b);
  }

  /** {@code -a}. */
  public final Value neg(Value a) {
    return op("Neg", a);
  }

  /** {@code a} where the condition holds, else {@code b}. */
  public final Value where(Value condition, Value a, Value b) {
    return op("Where", condition, a, b);
  }

  /** {@code a} in another element type. */
  public final Value cast(Value a, DType type) {
    return op("Cast", Map.of("to", Attribute.of((long) type.onnxCode())), a);
  }

  // ---- constants ----

  /** A scalar constant of this element type; equal ones share a value. */
  public final Value number(double value, DType type) {
    return constant(Constants.scalar(value, type));
  }

  /** A scalar int64 constant; equal ones share a value. */
  public final Value whole(long value) {
    return builder.scalar(value);
  }

  /** A one-dimensional int64 constant; equal ones share a value. */
  public final Value longs(long... values) {
    return builder.longs(values);
  }

  private Value constant(Tensor tensor) {
    return builder.graph().find(tensor.name()).orElseGet(() -> builder.graph().addConstant(tensor));
  }

  // ---- shapes ----

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

  /** {@code value} in the shape of {@code like}, which has as many elements. */
  public final Value reshapeLike(Value value, Value like) {
    return reshape(value, reshapeTarget(like));
  }

  /** {@code value} in the shape that an int64 tensor says. */
  public final Value reshape(Value value, Value shape) {
    // From opset 14 on a zero can mean zero, which the shape of an empty tensor needs.
    Optional<long[]> known = Constants.longs(shape);
    boolean mayHoldZero = known.map(dims -> Arrays.stream(dims).anyMatch(d -> d == 0)).orElse(true);
    return mayHoldZero && opset >= 14
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
    if (opset >= since) {
      return op(type, attributes, value, longs(sorted));
    }
    Map<String, Attribute> more = new TreeMap<>(attributes);
    more.put("axes", Attribute.ints(sorted));
    return op(type, more, value);
  }

  // ---- broadcasting ----

  /**
   * Sums a gradient over the axes along which {@code target} was broadcast.
   *
   * @param gradient of the broadcast shape
   * @param broadcast how the target was broadcast
   */
  final Value sumTo(Value gradient, Broadcast broadcast, Value target) {
    if (broadcast.isNone()) {
      return gradient;
    }
    if (!broadcast.undecided().isEmpty() && opset >= 13) {
      return sumToAtRunTime(gradient, broadcast.leading(), target);
    }
    Value rest = sumToAxisByAxis(gradient, broadcast, target);
    if (broadcast.ones().isEmpty()) {
      return sumAway(rest, broadcast.axes());
    }
    List<Integer> leading = IntStream.range(0, broadcast.leading()).boxed().toList();
    return squeeze(sum(rest, broadcast.axes()), leading);
  }

  /** Compares the shapes while the graph runs and sums over the axes in which they differ. */
  private Value sumToAtRunTime(Value gradient, int leading, Value target) {
    Value shape = op("Shape", target);
    long[] ones = new long[leading];
    Arrays.fill(ones, 1);
    Value padded =
        leading == 0 ? shape : op("Concat", Map.of("axis", Attribute.of(0L)), longs(ones), shape);
    Value differs = op("Not", op("Equal", padded, op("Shape", gradient)));
    Value axes = reshape(op("NonZero", differs), longs(-1));
    Value summed =
        op(
            "ReduceSum",
            Map.of("keepdims", Attribute.of(1L), "noop_with_empty_axes", Attribute.of(1L)),
            gradient,
            axes);
    return leading == 0 ? summed : reshape(summed, shape);
  }

  /**
   * The same before opset 13, where axes cannot be computed: sums every axis and takes it or not.
   */
  private Value sumToAxisByAxis(Value gradient, Broadcast broadcast, Value target) {
    Value result = gradient;
    for (int axis : broadcast.undecided()) {
      Value size = dimOf(target, axis - broadcast.leading());
      Value chosen = where(op("Equal", size, longs(1)), sum(result, List.of(axis)), result);
      result = op("Slice", chosen, longs(0), size, longs(axis));
    }
    return result;
  }
}
