package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Operators that pick elements: the gradient goes to the places they were picked from. */
public final class IndexGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("Gather", IndexGradients::gather, NO_GRADIENT)
          .shaped("GatherElements", IndexGradients::gatherElements, NO_GRADIENT)
          .shaped("GatherND", IndexGradients::gatherNd, NO_GRADIENT)
          .shaped(
              "Slice", IndexGradients::slice, NO_GRADIENT, NO_GRADIENT, NO_GRADIENT, NO_GRADIENT)
          .nonDifferentiable("NonZero", "ArgMax", "ArgMin", "OneHot")
          .build();

  private static final Map<String, Attribute> ADDING = Map.of("reduction", Attribute.of("add"));

  private IndexGradients() {}

  private static Value gather(GradientContext c) {
    Value data = c.in(0);
    int axis = c.axisAttribute(data, "axis", 0);
    Value picked = c.rank(c.in(1)) == 0 ? c.unsqueeze(c.dy(), List.of(axis)) : c.dy();
    Optional<long[]> index = Constants.longs(c.in(1));
    if (index.isPresent() && index.get().length == 1 && c.rank(c.in(1)) <= 1) {
      return padAxis(c, picked, axis, Positions.start(c, c.longs(index.get()[0]), axis));
    }
    List<Value> sizes = sizes(c, data);
    if (c.rank(c.in(1)) > 1) {
      List<Value> flat = new ArrayList<>(sizes);
      flat.set(axis, Positions.count(c, c.in(1)));
      picked = c.reshape(picked, c.concat(flat));
    }
    return scatter(c, new Part(picked, sizes), axis, Positions.flat(c, c.in(1), axis));
  }

  private static Value gatherElements(GradientContext c) {
    requireAddingScatter(c);
    Attribute axis = Attribute.of((long) c.axisAttribute(c.in(0), "axis", 0));
    Map<String, Attribute> attributes = Map.of("reduction", Attribute.of("add"), "axis", axis);
    return c.op("ScatterElements", attributes, c.zerosLike(c.in(0)), c.in(1), c.dy());
  }

  private static Value gatherNd(GradientContext c) {
    requireAddingScatter(c);
    if (c.node().intAttribute("batch_dims", 0) != 0) {
      throw new NotDifferentiable(
          "%s has batch_dims, and GatherND is differentiated only without; adapt layers above it"
              .formatted(c.node()));
    }
    return c.op("ScatterND", ADDING, c.zerosLike(c.in(0)), c.in(1), c.dy());
  }

  private static void requireAddingScatter(GradientContext c) {
    if (c.opset() < 16) {
      throw new NotDifferentiable(
          "The gradient of %s needs operator set 16 or later and the model has %d; export it anew"
              .formatted(c.node(), c.opset()));
    }
  }

  private static Value slice(GradientContext c) {
    Value data = c.in(0);
    int count = Math.toIntExact(c.type(c.in(1)).shape().orElseThrow().elements());
    long[] axes =
        c.in(3).isNone() ? IntStream.range(0, count).asLongStream().toArray() : c.constantLongs(3);
    Value gradient = c.dy();
    List<Value> sizes = sizes(c, c.out());
    for (int i = 0; i < count; i++) {
      int axis = GradientContext.axis(axes[i], c.rank(data));
      Value start = c.elementOf(c.in(1), i);
      sizes.set(axis, c.dimOf(data, axis));
      if (c.in(4).isNone() || c.constantLongs(4)[i] == 1) {
        gradient = padAxis(c, gradient, axis, Positions.start(c, start, axis));
      } else {
        gradient = scatter(c, new Part(gradient, sizes), axis, Positions.stepped(c, i, axis));
      }
    }
    return gradient;
  }

  private static List<Value> sizes(GradientContext c, Value value) {
    return IntStream.range(0, c.rank(value))
        .mapToObj(axis -> c.dimOf(value, axis))
        .collect(Collectors.toCollection(ArrayList::new));
  }

  /** Puts zeros around a part that began at {@code start} of an axis of the data. */
  private static Value padAxis(GradientContext c, Value part, int axis, Value start) {
    int rank = c.rank(c.in(0));
    boolean single = c.node().op().is("Gather");
    Value length = single ? c.longs(1) : c.dimOf(c.out(), axis);
    Value end = c.minus(c.dimOf(c.in(0), axis), c.plus(start, length));
    List<Value> pads = new ArrayList<>(Collections.nCopies(2 * rank, c.longs(0)));
    pads.set(axis, start);
    pads.set(rank + axis, end);
    boolean whole =
        pads.stream()
            .allMatch(pad -> Constants.longs(pad).map(values -> values[0] == 0).orElse(false));
    return whole ? part : c.op("Pad", part, c.concat(pads));
  }

  /**
   * Picked slices of the data.
   *
   * @param slices as many slices along the axis as were picked
   * @param sizes the size of each axis, int64 {@code [1]}, once they are back in their places
   */
  private record Part(Value slices, List<Value> sizes) {}

  /**
   * Adds slices along an axis up at their positions in the data.
   *
   * @param positions int64 {@code [n]}, none negative; they may repeat
   */
  private static Value scatter(GradientContext c, Part part, int axis, Value positions) {
    int rank = c.rank(c.in(0));
    int[] toFront =
        IntStream.range(0, rank).map(i -> i == 0 ? axis : i <= axis ? i - 1 : i).toArray();
    int[] back = IntStream.range(0, rank).map(i -> i < axis ? i + 1 : i == axis ? 0 : i).toArray();
    Value rows = c.transpose(part.slices(), toFront);
    Value shape = c.concat(IntStream.of(toFront).mapToObj(part.sizes()::get).toList());
    if (c.opset() >= 16) {
      Value zeros = c.op("Expand", c.number(0), shape);
      Value index = c.unsqueeze(positions, List.of(1));
      return c.transpose(c.op("ScatterND", ADDING, zeros, index, rows), back);
    }
    // Older operator sets cannot scatter and add: a product with ones at (place, position) can.
    Value places = c.unsqueeze(Positions.range(c, part.sizes().get(axis)), List.of(1));
    Value ones = c.cast(c.op("Equal", places, positions), c.dtype());
    Value matrix = rank == 1 ? rows : c.op("Flatten", Map.of("axis", Attribute.of(1L)), rows);
    return c.transpose(c.reshape(c.op("MatMul", ones, matrix), shape), back);
  }

  /** Where along an axis the elements lie that a node picked. */
  private static final class Positions {
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
      Value flat = c.rank(indices) == 1 ? indices : c.reshape(indices, c.longs(-1));
      Value wide = c.type(indices).dtype() == DType.INT64 ? flat : c.cast(flat, DType.INT64);
      Value fromBack = c.plus(wide, c.dimOf(c.in(0), axis));
      return c.where(c.op("Less", wide, c.longs(0)), fromBack, wide);
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
}
