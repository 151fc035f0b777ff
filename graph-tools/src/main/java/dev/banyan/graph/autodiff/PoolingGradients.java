package dev.banyan.graph.autodiff;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Pooling of {@code [batch, channels, axis...]} along any number of axes. */
public final class PoolingGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("MaxPool", PoolingGradients::max)
          .shaped("AveragePool", PoolingGradients::average)
          .shaped("GlobalMaxPool", c -> ReductionGradients.extreme(c, spatialAxes(c)))
          .shaped("GlobalAveragePool", c -> ReductionGradients.mean(c, spatialAxes(c)))
          .build();

  private PoolingGradients() {}

  private static List<Integer> spatialAxes(GradientContext c) {
    return IntStream.range(2, c.rank(c.in(0))).boxed().toList();
  }

  private static List<Windows> windows(GradientContext c) {
    List<Value> kernel =
        c.node().intsAttribute("kernel_shape").orElseThrow().stream()
            .map(size -> c.longs(size))
            .toList();
    return Windows.of(c, c.in(0), c.out(), kernel);
  }

  /** Adds up at the places that the node itself says the greatest elements came from. */
  private static Value max(GradientContext c) {
    if (c.node().intAttribute("storage_order", 0) != 0) {
      throw new NotDifferentiable(
          "%s counts places by columns (storage_order 1); export it with storage_order 0"
              .formatted(c.node()));
    }
    return c.reshapeLike(scatteredApart(c, new Picked(c.extraOut(1), c.dy()), 0), c.in(0));
  }

  /**
   * Gradients of windows and where they go.
   *
   * @param places counted through the whole input, int64
   * @param updates of the same shape
   */
  private record Picked(Value places, Value updates) {
    /** Every so-manieth window along an axis. */
    Picked every(GradientContext c, long step, long first, int axis) {
      Value[] range = {c.longs(first), c.longs(Long.MAX_VALUE), c.longs(axis), c.longs(step)};
      return new Picked(slice(c, places, range), slice(c, updates, range));
    }

    private static Value slice(GradientContext c, Value value, Value[] range) {
      return c.op("Slice", value, range[0], range[1], range[2], range[3]);
    }
  }

  /** Scatters to a row with an element for each of the input's, and adds up if it can. */
  private static Value scattered(GradientContext c, Picked picked) {
    Value size = Positions.count(c, c.in(0));
    Value places = c.reshape(picked.places(), c.longs(-1));
    Value updates = c.reshape(picked.updates(), c.longs(-1));
    if (ScatterAdd.isOneNode(c)) {
      return ScatterAdd.row(c, size, places, updates);
    }
    Map<String, Attribute> alongRow = Map.of("axis", Attribute.of(0L));
    Value zeros = c.op("Expand", c.number(0), size);
    return c.op("ScatterElements", alongRow, zeros, places, updates);
  }

  /**
   * Where the operator set cannot scatter and add, windows that lie too far apart to share an
   * element are scattered together, and the others one after the other.
   *
   * @param axis number of spatial axes that are taken apart already
   */
  private static Value scatteredApart(GradientContext c, Picked picked, int axis) {
    List<Windows> axes = windows(c);
    if (ScatterAdd.isOneNode(c) || axis == axes.size()) {
      return scattered(c, picked);
    }
    long extent = Constants.longs(axes.get(axis).extent()).orElseThrow()[0];
    long apart = Math.ceilDiv(extent, axes.get(axis).stride());
    return LongStream.range(0, apart)
        .mapToObj(first -> apart == 1 ? picked : picked.every(c, apart, first, axis + 2))
        .map(part -> scatteredApart(c, part, axis + 1))
        .reduce(c::add)
        .orElseThrow();
  }

  /** Every element of a window has its share. */
  private static Value average(GradientContext c) {
    Value gradient = withPaddingCounted(c);
    List<Windows> axes = windows(c);
    for (int i = 0; i < axes.size(); i++) {
      gradient = AxisMap.back(c, gradient, shares(c, axes.get(i)), i + 2, c.rank(c.in(0)));
    }
    return gradient;
  }

  /** What part of its mean each place gives to each window: {@code [input, output]}. */
  private static Value shares(GradientContext c, Windows axis) {
    Value places = c.unsqueeze(Positions.range(c, axis.input()), List.of(1));
    Value windows = c.op("Mul", Positions.range(c, axis.output()), c.longs(axis.stride()));
    Value offset = c.op("Sub", places, c.op("Sub", windows, axis.begin()));
    Value notBefore = c.op("Greater", offset, c.longs(-1));
    Value notBehind = c.op("Less", offset, axis.extent());
    Value inside = c.op("And", notBefore, notBehind);
    if (axis.dilation() != 1) {
      Value rest = c.op("Mod", offset, c.longs(axis.dilation()));
      inside = c.op("And", inside, c.op("Equal", rest, c.longs(0)));
    }
    Value ones = c.cast(inside, c.dtype());
    return c.div(ones, c.sum(ones, List.of(0)));
  }

  /** Where zeros of the padding count too, the mean of ones says what is left for the input. */
  private static Value withPaddingCounted(GradientContext c) {
    boolean padded =
        c.node().intsAttribute("pads").stream().flatMap(List::stream).anyMatch(pad -> pad > 0)
            || c.node().textAttribute("auto_pad", "NOTSET").startsWith("SAME")
            || c.node().intAttribute("ceil_mode", 0) != 0;
    if (!padded || c.node().intAttribute("count_include_pad", 0) == 0) {
      return c.dy();
    }
    List<Value> sizes = new ArrayList<>(List.of(c.longs(1), c.longs(1)));
    spatialAxes(c).forEach(axis -> sizes.add(c.dimOf(c.in(0), axis)));
    Value ones = c.op("Expand", c.number(1), c.concat(sizes));
    return c.mul(c.dy(), c.op("AveragePool", c.node().attributes(), ones));
  }
}
