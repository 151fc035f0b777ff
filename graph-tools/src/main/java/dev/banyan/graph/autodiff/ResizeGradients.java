package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Interpolation. It works along each axis on its own and is linear, so what it does along an axis
 * is what it makes of the axis' unit vectors: resizing them in the graph gives its matrix, whatever
 * the mode and the coordinates.
 */
public final class ResizeGradients {
  /** The table; the inputs are data, region of interest, scales and sizes. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("Resize", ResizeGradients::resize, NO_GRADIENT, NO_GRADIENT, NO_GRADIENT)
          .build();

  /** What says which axes are resized, and not how. */
  private static final List<String> ABOUT_AXES = List.of("axes", "keep_aspect_ratio_policy");

  private ResizeGradients() {}

  private static Value resize(GradientContext c) {
    requireStretching(c);
    int rank = c.rank(c.in(0));
    List<Integer> axes =
        c.node()
            .intsAttribute("axes")
            .map(all -> all.stream().map(axis -> GradientContext.axis(axis, rank)).toList())
            .orElseGet(() -> IntStream.range(0, rank).boxed().toList());
    Value gradient = c.dy();
    for (int i = 0; i < axes.size(); i++) {
      if (mayChange(c, i, axes.get(i))) {
        gradient = AxisMap.back(c, gradient, matrix(c, i, axes.get(i)), axes.get(i), rank);
      }
    }
    return gradient;
  }

  private static void requireStretching(GradientContext c) {
    String coordinates = c.node().textAttribute("coordinate_transformation_mode", "half_pixel");
    String aspect = c.node().textAttribute("keep_aspect_ratio_policy", "stretch");
    if (coordinates.equals("tf_crop_and_resize") || !aspect.equals("stretch")) {
      throw new NotDifferentiable(
          "%s crops or keeps the aspect ratio, and resizing is differentiated only without; adapt layers above it"
              .formatted(c.node()));
    }
  }

  /** Scales that are left out may be an empty constant. */
  private static boolean hasScales(GradientContext c) {
    return !c.in(2).isNone() && !c.type(c.in(2)).dim(0).isKnownToBe(0);
  }

  private static boolean mayChange(GradientContext c, int i, int axis) {
    if (hasScales(c)) {
      return Constants.floats(c.in(2)).map(scales -> scales[i] != 1).orElse(true);
    }
    Dim before = c.type(c.in(0)).dim(axis);
    return before instanceof Dim.Unknown || !before.equals(c.type(c.out()).dim(axis));
  }

  /** The unit vectors of an axis, resized: {@code [input, output]}. */
  private static Value matrix(GradientContext c, int i, int axis) {
    Value size = c.dimOf(c.in(0), axis);
    Value places = Positions.range(c, size);
    Value same = c.op("Equal", c.unsqueeze(places, List.of(1)), places);
    List<Integer> outer = List.of(0, 1);
    Value units = c.unsqueeze(c.cast(same, DType.FLOAT), outer);
    Map<String, Attribute> attributes = new TreeMap<>(c.node().attributes());
    attributes.keySet().removeAll(ABOUT_AXES);
    Value one = c.longs(1);
    Value resized =
        hasScales(c)
            ? c.op("Resize", attributes, units, c.in(1), scales(c, i))
            : c.op(
                "Resize",
                attributes,
                units,
                c.in(1),
                c.in(2),
                c.concat(List.of(one, one, size, c.dimOf(c.out(), axis))));
    Value matrix = c.squeeze(resized, outer);
    return c.dtype() == DType.FLOAT ? matrix : c.cast(matrix, c.dtype());
  }

  private static Value scales(GradientContext c, int i) {
    Optional<float[]> known = Constants.floats(c.in(2));
    return known
        .map(scales -> c.floats(1, 1, 1, scales[i]))
        .orElseGet(
            () ->
                c.op(
                    "Concat",
                    Map.of("axis", Attribute.of(0L)),
                    c.floats(1, 1, 1),
                    c.op("Gather", c.in(2), c.longs(i))));
  }
}
