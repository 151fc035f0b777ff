package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.autodiff.ScatterAdd.Part;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Padding with a constant, or with elements of the data itself. */
public final class PadGradients {
  /** The table; the inputs are data, pads, constant and axes. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("Pad", PadGradients::data, NO_GRADIENT, PadGradients::constant, NO_GRADIENT)
          .build();

  private PadGradients() {}

  private static Value data(GradientContext c) {
    return isConstant(c) ? cut(c) : collect(c);
  }

  private static boolean isConstant(GradientContext c) {
    return mode(c).equals("constant");
  }

  private static String mode(GradientContext c) {
    return c.node().textAttribute("mode", "constant");
  }

  /** Cuts off what was put around, by padding with as many elements less. */
  private static Value cut(GradientContext c) {
    Value less =
        Constants.longs(c.in(1))
            .map(pads -> c.longs(Arrays.stream(pads).map(n -> -n).toArray()))
            .orElseGet(() -> c.neg(c.in(1)));
    return c.in(3).isNone()
        ? c.op("Pad", c.dy(), less)
        : c.op("Pad", c.dy(), less, Value.NONE, c.in(3));
  }

  /** Whatever is not the data's. */
  private static Value constant(GradientContext c) {
    List<Integer> all = IntStream.range(0, c.rank(c.in(0))).boxed().toList();
    Value rest = c.sub(c.sumAway(c.dy(), all), c.sumAway(cut(c), all));
    return c.reshapeLike(rest, c.in(2));
  }

  /** Adds every padded element to the one that it was copied from, axis by axis. */
  private static Value collect(GradientContext c) {
    Value data = c.in(0);
    int rank = c.rank(data);
    List<Integer> axes = paddedAxes(c, rank);
    List<Value> sizes = new ArrayList<>();
    for (int axis = 0; axis < rank; axis++) {
      sizes.add(c.dimOf(c.out(), axis));
    }
    Value gradient = c.dy();
    for (int i = 0; i < axes.size(); i++) {
      int axis = axes.get(i);
      if (isPadded(c, i, axes.size())) {
        Value places = Positions.range(c, sizes.get(axis));
        Value size = c.dimOf(data, axis);
        sizes.set(axis, size);
        Value shifted = c.op("Sub", places, c.elementOf(c.in(1), i));
        Value sources = source(c, shifted, size);
        gradient = ScatterAdd.slices(c, new Part(gradient, List.copyOf(sizes)), axis, sources);
      }
    }
    return gradient;
  }

  private static List<Integer> paddedAxes(GradientContext c, int rank) {
    return c.in(3).isNone()
        ? IntStream.range(0, rank).boxed().toList()
        : Arrays.stream(c.constantLongs(3)).mapToObj(a -> GradientContext.axis(a, rank)).toList();
  }

  private static boolean isPadded(GradientContext c, int i, int axes) {
    Optional<long[]> pads = Constants.longs(c.in(1));
    return pads.map(all -> all[i] != 0 || all[i + axes] != 0).orElse(true);
  }

  /** Which element of an axis of this size lies at a place that may be before or behind it. */
  private static Value source(GradientContext c, Value place, Value size) {
    Value zero = c.longs(0);
    Value last = c.minus(size, c.longs(1));
    return switch (mode(c)) {
      case "edge" -> {
        Value notBefore = c.where(c.op("Less", place, zero), zero, place);
        yield c.where(c.op("Less", last, notBefore), last, notBefore);
      }
      case "reflect" -> {
        Value fromFront = c.op("Abs", place);
        yield c.op("Sub", last, c.op("Abs", c.op("Sub", last, fromFront)));
      }
      case "wrap" -> c.op("Mod", place, size);
      default ->
          throw new NotDifferentiable(
              "%s has mode '%s'; known are constant, edge, reflect and wrap"
                  .formatted(c.node(), mode(c)));
    };
  }
}
