package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.graph.ir.Value;
import java.util.Optional;

/**
 * Operators that work element by element. Formulas give the gradient in the output's shape; the
 * driver sums it where an input was broadcast.
 */
public final class ElementwiseGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .elementwise("Identity", GradientContext::dy)
          .elementwise("Cast", c -> c.cast(c.dy(), c.type(c.in(0)).dtype()))
          .elementwise("CastLike", c -> c.cast(c.dy(), c.type(c.in(0)).dtype()), NO_GRADIENT)
          .elementwise("Add", GradientContext::dy, GradientContext::dy)
          .elementwise("Sub", GradientContext::dy, c -> c.neg(c.dy()))
          .elementwise("Mul", c -> c.mul(c.dy(), c.in(1)), c -> c.mul(c.dy(), c.in(0)))
          .shaped("Div", ElementwiseGradients::dividend, ElementwiseGradients::divisor)
          .elementwise("Pow", ElementwiseGradients::base, ElementwiseGradients::exponent)
          .variadicElementwise("Sum", (c, i) -> c.dy())
          .variadicElementwise("Mean", (c, i) -> c.times(c.dy(), 1.0 / c.node().inputs().size()))
          .variadicElementwise("Min", ElementwiseGradients::extreme)
          .variadicElementwise("Max", ElementwiseGradients::extreme)
          .elementwise(
              "Where",
              NO_GRADIENT,
              c -> c.where(c.in(0), c.dy(), c.number(0)),
              c -> c.where(c.in(0), c.number(0), c.dy()))
          // A clipped element is one that the operator changed.
          .elementwise(
              "Clip",
              c -> c.where(c.op("Equal", c.in(0), c.out()), c.dy(), c.number(0)),
              NO_GRADIENT,
              NO_GRADIENT)
          .elementwise("Neg", c -> c.neg(c.dy()))
          .elementwise("Abs", c -> c.mul(c.dy(), c.op("Sign", c.in(0))))
          .elementwise("Sqrt", c -> c.div(c.times(c.dy(), 0.5), c.out()))
          .elementwise("Reciprocal", c -> c.neg(c.mul(c.dy(), c.mul(c.out(), c.out()))))
          .elementwise("Exp", c -> c.mul(c.dy(), c.out()))
          .elementwise("Log", c -> c.div(c.dy(), c.in(0)))
          .elementwise("Sin", c -> c.mul(c.dy(), c.op("Cos", c.in(0))))
          .elementwise("Cos", c -> c.neg(c.mul(c.dy(), c.op("Sin", c.in(0)))))
          .elementwise("Tan", c -> c.mul(c.dy(), c.add(c.mul(c.out(), c.out()), c.number(1))))
          .elementwise("Atan", c -> c.div(c.dy(), c.add(c.mul(c.in(0), c.in(0)), c.number(1))))
          .elementwise("Erf", ElementwiseGradients::erf)
          .elementwise("Tanh", c -> c.mul(c.dy(), oneMinusSquare(c, c.out())))
          .elementwise("Sigmoid", c -> c.mul(c.dy(), c.mul(c.out(), c.sub(c.number(1), c.out()))))
          .nonDifferentiable("Sign", "Floor", "Ceil", "Round")
          .nonDifferentiable("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
          .nonDifferentiable("Not", "And", "Or", "Xor", "IsNaN", "IsInf", "Mod", "BitShift")
          .nonDifferentiable("BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor")
          .build();

  private ElementwiseGradients() {}

  private static Value dividend(GradientContext c) {
    return c.sumToInput(c.div(c.dy(), c.in(1)), 0);
  }

  /** -dy * a / b^2 = -(dy * y) / b, divided after the sum, where b is small. */
  private static Value divisor(GradientContext c) {
    Value sum = c.sumToInput(c.mul(c.dy(), c.out()), 1);
    return c.neg(c.div(sum, c.in(1)));
  }

  /** dy * e * x^(e-1). */
  private static Value base(GradientContext c) {
    Optional<Double> exponent = Constants.number(c.in(1));
    if (exponent.isPresent()) {
      double e = exponent.get();
      Value power = e == 2 ? c.in(0) : c.op("Pow", c.in(0), c.number(e - 1));
      return c.mul(c.dy(), c.times(power, e));
    }
    Value e = asOutputType(c, c.in(1));
    return c.mul(c.dy(), c.mul(e, c.op("Pow", c.in(0), c.sub(e, c.number(1)))));
  }

  /** dy * y * log(x); where x is not positive there is no real derivative, and it is taken as 0. */
  private static Value exponent(GradientContext c) {
    Value positive = c.op("Greater", c.in(0), c.number(0));
    Value log = c.op("Log", c.where(positive, c.in(0), c.number(1)));
    return c.mul(c.dy(), c.mul(c.out(), log));
  }

  private static Value asOutputType(GradientContext c, Value value) {
    return c.type(value).dtype() == c.dtype() ? value : c.cast(value, c.dtype());
  }

  /** Inputs that tie share the gradient equally, as PyTorch has it. */
  private static Value extreme(GradientContext c, int index) {
    Value ties = chosen(c, 0);
    for (int i = 1; i < c.node().inputs().size(); i++) {
      ties = c.add(ties, chosen(c, i));
    }
    return c.div(c.mul(c.dy(), chosen(c, index)), ties);
  }

  private static Value chosen(GradientContext c, int index) {
    return c.cast(c.op("Equal", c.in(index), c.out()), c.dtype());
  }

  /** dy * 2/sqrt(pi) * exp(-x^2). */
  private static Value erf(GradientContext c) {
    Value bell = c.op("Exp", c.neg(c.mul(c.in(0), c.in(0))));
    return c.mul(c.dy(), c.times(bell, 2 / Math.sqrt(Math.PI)));
  }

  /** 1 - v^2, the slope of tanh where it is v. */
  static Value oneMinusSquare(GradientContext c, Value value) {
    return c.sub(c.number(1), c.mul(value, value));
  }
}
