package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.util.Map;

/**
 * Operators that put updates into a copy of their data. Data that were overwritten have no
 * gradient; an update has that of the place it went to.
 */
public final class ScatterGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped(
              "ScatterND",
              c -> data(c, Map.of()),
              NO_GRADIENT,
              c -> c.op("GatherND", requireKept(c, c.dy()), c.in(1)))
          .shaped(
              "ScatterElements",
              c -> data(c, axis(c)),
              NO_GRADIENT,
              c -> c.op("GatherElements", axis(c), requireKept(c, c.dy()), c.in(1)))
          .build();

  private ScatterGradients() {}

  private static Map<String, Attribute> axis(GradientContext c) {
    return Map.of("axis", Attribute.of((long) c.axisAttribute(c.in(0), "axis", 0)));
  }

  private static Value data(GradientContext c, Map<String, Attribute> attributes) {
    if (reduction(c).equals("add")) {
      return c.dy();
    }
    Value zeros = c.zerosLike(c.in(2));
    return c.op(c.node().op().type(), attributes, requireKept(c, c.dy()), c.in(1), zeros);
  }

  /** Products and extremes mix updates with what was there. */
  private static Value requireKept(GradientContext c, Value gradient) {
    String reduction = reduction(c);
    if (!reduction.equals("none") && !reduction.equals("add")) {
      throw new NotDifferentiable(
          "%s has reduction '%s', and scattering is differentiated only without one and with 'add'; adapt layers above it"
              .formatted(c.node(), reduction));
    }
    return gradient;
  }

  private static String reduction(GradientContext c) {
    return c.node().textAttribute("reduction", "none");
  }
}
