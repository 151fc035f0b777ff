package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.graph.autodiff.GradientRule.Formula;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Operators that reduce axes to one value, or sum up along one. */
public final class ReductionGradients {
  /** The table; in newer operator sets the axes are a second input. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("ReduceSum", of((c, axes) -> c.expandLike(dy(c, axes), c.in(0))), NO_GRADIENT)
          .shaped("ReduceMean", of(ReductionGradients::mean), NO_GRADIENT)
          .shaped("ReduceMax", of(ReductionGradients::extreme), NO_GRADIENT)
          .shaped("ReduceMin", of(ReductionGradients::extreme), NO_GRADIENT)
          .shaped(
              "ReduceL1", of((c, axes) -> c.mul(dy(c, axes), c.op("Sign", c.in(0)))), NO_GRADIENT)
          .shaped("ReduceL2", of(ReductionGradients::norm), NO_GRADIENT)
          .shaped(
              "ReduceSumSquare",
              of((c, axes) -> c.mul(c.times(dy(c, axes), 2), c.in(0))),
              NO_GRADIENT)
          .shaped(
              "ReduceLogSumExp",
              of((c, axes) -> c.mul(dy(c, axes), c.op("Exp", c.sub(c.in(0), y(c, axes))))),
              NO_GRADIENT)
          .shaped(
              "ReduceLogSum",
              of((c, axes) -> c.expandLike(c.div(dy(c, axes), c.op("Exp", y(c, axes))), c.in(0))),
              NO_GRADIENT)
          .shaped("CumSum", ReductionGradients::cumulativeSum, NO_GRADIENT)
          .build();

  private ReductionGradients() {}

  /** A formula that is told which axes of the input were reduced. */
  @FunctionalInterface
  private interface ReducedFormula {
    Value of(GradientContext c, List<Integer> axes);
  }

  private static Formula of(ReducedFormula formula) {
    return c -> formula.of(c, reducedAxes(c));
  }

  private static List<Integer> reducedAxes(GradientContext c) {
    int rank = c.rank(c.in(0));
    List<Integer> axes = c.axes(1, rank).orElse(List.of());
    boolean all = axes.isEmpty() && c.node().intAttribute("noop_with_empty_axes", 0) == 0;
    return all ? IntStream.range(0, rank).boxed().toList() : axes;
  }

  /** The gradient with the reduced axes still there, so that it broadcasts against the input. */
  private static Value dy(GradientContext c, List<Integer> axes) {
    return keepsAxes(c) ? c.dy() : c.unsqueeze(c.dy(), axes);
  }

  private static Value y(GradientContext c, List<Integer> axes) {
    return keepsAxes(c) ? c.out() : c.unsqueeze(c.out(), axes);
  }

  /** A scalar broadcasts against everything as it is. */
  private static boolean keepsAxes(GradientContext c) {
    return c.node().intAttribute("keepdims", 1) != 0 || c.rank(c.out()) == 0;
  }

  /** The mean over these axes: every element has an equal share. */
  static Value mean(GradientContext c, List<Integer> axes) {
    return c.expandLike(c.div(dy(c, axes), count(c, axes)), c.in(0));
  }

  /** How many elements become one. */
  private static Value count(GradientContext c, List<Integer> axes) {
    long known = 1;
    Value open = c.longs(1);
    for (int axis : axes) {
      if (c.type(c.in(0)).dim(axis) instanceof Dim.Known(long size)) {
        known *= size;
      } else {
        open = c.op("Mul", open, c.dimOf(c.in(0), axis));
      }
    }
    return open.isConstant()
        ? c.number((double) known)
        : c.times(c.cast(c.squeeze(open, List.of(0)), c.dtype()), (double) known);
  }

  /** Elements that tie share the gradient equally, as PyTorch has it. */
  static Value extreme(GradientContext c, List<Integer> axes) {
    Value chosen = c.cast(c.op("Equal", c.in(0), y(c, axes)), c.dtype());
    return c.mul(c.div(dy(c, axes), c.sum(chosen, axes)), chosen);
  }

  /** An element is in all sums behind it: the sum from the other end. */
  private static Value cumulativeSum(GradientContext c) {
    Map<String, Attribute> attributes =
        Map.of(
            "exclusive", Attribute.of(c.node().intAttribute("exclusive", 0)),
            "reverse", Attribute.of(1 - c.node().intAttribute("reverse", 0)));
    return c.op("CumSum", attributes, c.dy(), c.in(1));
  }

  /** x / y, and 0 where the norm is 0, as PyTorch has it. */
  private static Value norm(GradientContext c, List<Integer> axes) {
    Value zero = c.op("Equal", y(c, axes), c.number(0));
    Value safe = c.where(zero, c.number(1), y(c, axes));
    return c.mul(c.div(dy(c, axes), safe), c.in(0));
  }
}
