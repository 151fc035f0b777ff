package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.autodiff.ScatterAdd.Part;
import dev.banyan.graph.autodiff.ScatterAdd.Target;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
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
          .shaped("TopK", IndexGradients::topK, NO_GRADIENT)
          .nonDifferentiable("NonZero", "ArgMax", "ArgMin", "OneHot", "Unique")
          .build();

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
    return ScatterAdd.slices(c, new Part(picked, sizes), axis, Positions.flat(c, c.in(1), axis));
  }

  private static Value gatherElements(GradientContext c) {
    Target data = new Target(c.in(0), c.axisAttribute(c.in(0), "axis", 0));
    return ScatterAdd.elements(c, c.in(1), c.dy(), data);
  }

  private static Value gatherNd(GradientContext c) {
    Value indices = withBatchIndices(c);
    if (ScatterAdd.isOneNode(c)) {
      return ScatterAdd.tuples(c, c.shapeOf(c.in(0)), indices, c.dy());
    }
    if (!(c.type(c.in(1)).dim(-1) instanceof Dim.Known(long length))) {
      throw new NotDifferentiable(
          "The gradient of %s needs the length of its index tuples or operator set 16; the model has %d: export it anew"
              .formatted(c.node(), c.opset()));
    }
    return scatterRows(
        c, indices, Math.toIntExact(length + c.node().intAttribute("batch_dims", 0)));
  }

  /** Index tuples that name the batch too, where the node takes it from the tuple's own place. */
  private static Value withBatchIndices(GradientContext c) {
    Value indices = c.in(1);
    int rank = c.rank(indices);
    int batchAxes = Math.toIntExact(c.node().intAttribute("batch_dims", 0));
    if (batchAxes == 0) {
      return indices;
    }
    List<Value> sizes = sizes(c, indices);
    sizes.set(rank - 1, c.longs(1));
    Value shape = c.concat(sizes);
    List<Value> columns = new ArrayList<>();
    for (int axis = 0; axis < batchAxes; axis++) {
      List<Integer> behind = IntStream.range(1, rank - axis).boxed().toList();
      Value places = c.unsqueeze(Positions.range(c, sizes.get(axis)), behind);
      columns.add(c.op("Expand", places, shape));
    }
    columns.add(indices);
    return c.op("Concat", Map.of("axis", Attribute.of(rank - 1L)), columns.toArray(Value[]::new));
  }

  /** Numbers the slices that tuples of this length name, and adds them up as rows. */
  private static Value scatterRows(GradientContext c, Value tuples, int length) {
    List<Value> sizes = sizes(c, c.in(0));
    List<Value> strides = new ArrayList<>();
    Value count = c.longs(1);
    for (int axis = length - 1; axis >= 0; axis--) {
      strides.addFirst(count);
      count = c.product(count, sizes.get(axis));
    }
    Value counted = Positions.fromFrontOf(c, tuples, c.concat(sizes.subList(0, length)));
    Value steps = c.op("Mul", counted, c.concat(strides));
    Value numbers = c.reshape(c.sumAway(steps, List.of(c.rank(c.in(1)) - 1)), c.longs(-1));
    List<Value> rowSizes = new ArrayList<>(sizes.subList(length, sizes.size()));
    List<Value> tupleSizes = sizes(c, c.in(1));
    tupleSizes.removeLast();
    rowSizes.addFirst(tupleSizes.stream().reduce(c.longs(1), c::product));
    Value rows = c.reshape(c.dy(), c.concat(rowSizes));
    rowSizes.set(0, count);
    Value sum = ScatterAdd.slices(c, new Part(rows, rowSizes), 0, numbers);
    return c.reshapeLike(sum, c.in(0));
  }

  /** No element is chosen twice, so that the gradient needs no adding up. */
  private static Value topK(GradientContext c) {
    Attribute axis = Attribute.of((long) c.axisAttribute(c.in(0), "axis", -1));
    Value zeros = c.zerosLike(c.in(0));
    return c.op("ScatterElements", Map.of("axis", axis), zeros, c.node().output(1), c.dy());
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
        gradient =
            ScatterAdd.slices(c, new Part(gradient, sizes), axis, Positions.stepped(c, i, axis));
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
    return c.pad(part, c.concat(pads));
  }
}
