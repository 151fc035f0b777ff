package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.graph.ir.Attribute;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * One row of the gradient table: an operator, what it is fed, and how exact its gradient must be.
 *
 * @param op operator, written as in a table of rules
 * @param args its inputs
 * @param attributes its attributes
 * @param outputs how many outputs it makes
 * @param idle how many outputs it makes behind those that the loss does not depend on: indices
 * @param opsets the operator set versions to try
 * @param type element type of its real inputs
 * @param tolerance greatest relative error of the slope
 * @param hideable whether it is tried with hidden input shapes too
 */
record GradientCase(
    String op,
    List<Arg> args,
    Map<String, Attribute> attributes,
    int outputs,
    int idle,
    List<Integer> opsets,
    DType type,
    double tolerance,
    boolean hideable) {
  /** Central difference in double: truncation h^4 and rounding 1e-16 / h leave this. */
  private static final double IN_DOUBLE = 1e-6;

  /** Central difference in float with h = 1e-2: rounding 1e-7 / h and truncation h^4. */
  private static final double IN_FLOAT = 1e-3;

  /** Distance of two gradients in units of their length: half rounds to 5e-4, often. */
  private static final double IN_HALF = 1e-2;

  /** One input. */
  sealed interface Arg {
    /** Real numbers drawn evenly from a range, to be differentiated; their shape may be hidden. */
    record Real(Shape shape, double low, double high, boolean hideable) implements Arg {}

    /** Real numbers that are a constant of the graph. */
    record Frozen(Shape shape, List<Double> values) implements Arg {}

    /** Whole numbers that are a constant of the graph. */
    record Whole(Shape shape, List<Long> values) implements Arg {}

    /** Whole numbers that are known only when the graph runs. */
    record Fed(Shape shape, List<Long> values) implements Arg {}

    /** Bytes that are a constant of the graph: numbers packed in few bits. */
    record Packed(Shape shape) implements Arg {}

    /** Truth values that are known only when the graph runs. */
    record Truth(Shape shape, List<Boolean> values) implements Arg {}

    /** An optional input left out. */
    record Absent() implements Arg {}
  }

  static GradientCase op(String op) {
    return new GradientCase(
        op, List.of(), Map.of(), 1, 0, List.of(11, 13, 18, 20), DType.DOUBLE, IN_DOUBLE, true);
  }

  GradientCase in(long... dims) {
    return with(new Arg.Real(Shape.of(dims), -2, 2, true));
  }

  /** Gives the last input another range, off the points where the operator has a kink or a pole. */
  GradientCase range(double low, double high) {
    List<Arg> changed = new ArrayList<>(args);
    if (changed.removeLast() instanceof Arg.Real real) {
      changed.add(new Arg.Real(real.shape(), low, high, real.hideable()));
    }
    return new GradientCase(
        op, changed, attributes, outputs, idle, opsets, type, tolerance, hideable);
  }

  /** An input whose shape is always known, as that of weights is. */
  GradientCase weight(long... dims) {
    return with(new Arg.Real(Shape.of(dims), -1, 1, false));
  }

  GradientCase frozen(Shape shape, double... values) {
    return with(new Arg.Frozen(shape, Arrays.stream(values).boxed().toList()));
  }

  GradientCase longs(long... values) {
    return with(new Arg.Whole(Shape.of(values.length), whole(values)));
  }

  GradientCase longs(Shape shape, long... values) {
    return with(new Arg.Whole(shape, whole(values)));
  }

  GradientCase fed(Shape shape, long... values) {
    return with(new Arg.Fed(shape, whole(values)));
  }

  GradientCase packed(long... dims) {
    return with(new Arg.Packed(Shape.of(dims)));
  }

  GradientCase truth(Shape shape, Boolean... values) {
    return with(new Arg.Truth(shape, List.of(values)));
  }

  GradientCase absent() {
    return with(new Arg.Absent());
  }

  GradientCase set(String name, long value) {
    return set(name, Attribute.of(value));
  }

  GradientCase set(String name, float value) {
    return set(name, Attribute.of(value));
  }

  GradientCase set(String name, String value) {
    return set(name, Attribute.of(value));
  }

  GradientCase ints(String name, long... values) {
    return set(name, Attribute.ints(values));
  }

  GradientCase outputs(int count) {
    return new GradientCase(op, args, attributes, count, idle, opsets, type, tolerance, hideable);
  }

  /** Makes one more output, which the loss does not depend on. */
  GradientCase withIdleOutput() {
    return new GradientCase(
        op, args, attributes, outputs, idle + 1, opsets, type, tolerance, hideable);
  }

  GradientCase opsets(Integer... versions) {
    return new GradientCase(
        op, args, attributes, outputs, idle, Arrays.asList(versions), type, tolerance, hideable);
  }

  /** Runs in float, for operators that ONNX Runtime has in float only. */
  GradientCase inFloat() {
    return new GradientCase(
        op, args, attributes, outputs, idle, opsets, DType.FLOAT, IN_FLOAT, hideable);
  }

  /** Runs in half precision, whose results are compared with those in float. */
  GradientCase inHalf() {
    return new GradientCase(
        op, args, attributes, outputs, idle, opsets, DType.FLOAT16, IN_HALF, hideable);
  }

  /**
   * Is not tried with hidden shapes: ONNX Runtime 1.28 gives an empty tensor that is summed over no
   * axes a size of 1, does not pad one or find one's axis of size -1, and takes an axis that is
   * broadcast in Einsum for one that is not.
   */
  GradientCase shown() {
    return new GradientCase(op, args, attributes, outputs, idle, opsets, type, tolerance, false);
  }

  /** True if one of the inputs has no element. */
  boolean isEmpty() {
    return args.stream()
        .anyMatch(
            arg ->
                switch (arg) {
                  case Arg.Real real -> real.shape().elements() == 0;
                  case Arg.Fed fed -> fed.shape().elements() == 0;
                  case Arg.Frozen frozen -> false;
                  case Arg.Whole whole -> false;
                  case Arg.Packed packed -> false;
                  case Arg.Truth truth -> false;
                  case Arg.Absent absent -> false;
                });
  }

  private static List<Long> whole(long... values) {
    return Arrays.stream(values).boxed().toList();
  }

  private GradientCase with(Arg arg) {
    List<Arg> more = new ArrayList<>(args);
    more.add(arg);
    return new GradientCase(op, more, attributes, outputs, idle, opsets, type, tolerance, hideable);
  }

  private GradientCase set(String name, Attribute value) {
    Map<String, Attribute> more = new TreeMap<>(attributes);
    more.put(name, value);
    return new GradientCase(op, args, more, outputs, idle, opsets, type, tolerance, hideable);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(op);
    for (Arg arg : args) {
      text.append(
          switch (arg) {
            case Arg.Real real -> " " + real.shape();
            case Arg.Frozen frozen -> " constant " + frozen.values();
            case Arg.Whole whole -> " constant " + whole.values();
            case Arg.Fed fed -> " fed " + fed.values();
            case Arg.Packed packed -> " packed " + packed.shape();
            case Arg.Truth truth -> " fed " + truth.values();
            case Arg.Absent absent -> " none";
          });
    }
    attributes.forEach((name, value) -> text.append(' ').append(name).append('=').append(value));
    return text.append(type == DType.DOUBLE ? "" : " in " + type.name().toLowerCase(Locale.ROOT))
        .toString();
  }
}
