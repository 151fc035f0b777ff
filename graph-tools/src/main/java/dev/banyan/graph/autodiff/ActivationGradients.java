package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.ElementwiseGradients.oneMinusSquare;
import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.graph.autodiff.GradientRule.Formula;
import dev.banyan.graph.ir.Value;

/** Activation functions: element by element, with the attributes' defaults as ONNX has them. */
public final class ActivationGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .elementwise("Relu", c -> c.where(isPositive(c, c.out()), c.dy(), c.number(0)))
          .elementwise("LeakyRelu", negativeSlope(c -> attribute(c, "alpha", 0.01f)))
          .elementwise("PRelu", negativeSlope(c -> c.in(1)), ActivationGradients::ofSlope)
          .elementwise(
              "ThresholdedRelu",
              c -> c.where(c.op("Greater", c.in(0), attribute(c, "alpha", 1)), c.dy(), c.number(0)))
          // Left of 0 these are exponential, so that their slope is the output and a constant.
          .elementwise("Elu", negativeSlope(c -> c.add(c.out(), attribute(c, "alpha", 1))))
          .elementwise("Celu", negativeSlope(ActivationGradients::celuSlope))
          .elementwise("Selu", ActivationGradients::selu)
          .elementwise("Softplus", c -> c.mul(c.dy(), c.op("Sigmoid", c.in(0))))
          .elementwise("Softsign", ActivationGradients::softsign)
          .elementwise("HardSigmoid", ActivationGradients::hardSigmoid)
          .elementwise("HardSwish", ActivationGradients::hardSwish)
          .elementwise("Swish", ActivationGradients::swish)
          .elementwise("Mish", ActivationGradients::mish)
          .elementwise("Gelu", ActivationGradients::gelu)
          .elementwise("com.microsoft.Gelu", ActivationGradients::erfGelu)
          .elementwise("com.microsoft.QuickGelu", ActivationGradients::sigmoidGelu)
          .elementwise("Dropout", ActivationGradients::dropout, NO_GRADIENT, NO_GRADIENT)
          .nonDifferentiable("Hardmax")
          .build();

  private ActivationGradients() {}

  private static Value isPositive(GradientContext c, Value value) {
    return c.op("Greater", value, c.number(0));
  }

  private static Value attribute(GradientContext c, String name, float otherwise) {
    return c.number(c.node().realAttribute(name, otherwise));
  }

  /** Slope 1 where the input is positive, and this slope elsewhere. */
  private static Formula negativeSlope(Formula slope) {
    return c -> c.where(isPositive(c, c.in(0)), c.dy(), c.mul(c.dy(), slope.of(c)));
  }

  private static Value ofSlope(GradientContext c) {
    return c.where(isPositive(c, c.in(0)), c.number(0), c.mul(c.dy(), c.in(0)));
  }

  /** y = a (exp(x / a) - 1), so y' = y / a + 1. */
  private static Value celuSlope(GradientContext c) {
    double alpha = c.node().realAttribute("alpha", 1);
    return c.add(c.times(c.out(), 1 / alpha), c.number(1));
  }

  /** g x on the right, g a (exp(x) - 1) on the left: y' = y + g a there. */
  private static Value selu(GradientContext c) {
    double alpha = c.node().realAttribute("alpha", 1.6732632f);
    double gamma = c.node().realAttribute("gamma", 1.050701f);
    Value left = c.add(c.out(), c.number(gamma * alpha));
    return c.mul(c.dy(), c.where(isPositive(c, c.in(0)), c.number(gamma), left));
  }

  /** y = x / (1 + |x|), y' = (1 - |y|)^2. */
  private static Value softsign(GradientContext c) {
    Value rest = c.sub(c.number(1), c.op("Abs", c.out()));
    return c.mul(c.dy(), c.mul(rest, rest));
  }

  /** Its slope between the ends, which are 0 and 1. */
  private static Value hardSigmoid(GradientContext c) {
    Value between = c.op("And", isPositive(c, c.out()), c.op("Less", c.out(), c.number(1)));
    double alpha = c.node().realAttribute("alpha", 0.2f);
    return c.where(between, c.times(c.dy(), alpha), c.number(0));
  }

  /** x (x + 3) / 6 between -3 and 3, so x / 3 + 1 / 2; 0 on the left and 1 on the right. */
  private static Value hardSwish(GradientContext c) {
    Value x = c.in(0);
    Value bent = c.op("Less", c.op("Abs", x), c.number(3));
    Value slope = c.add(c.times(x, 1.0 / 3), c.number(0.5));
    Value straight = c.cast(isPositive(c, x), c.dtype());
    return c.mul(c.dy(), c.where(bent, slope, straight));
  }

  /** With s = sigmoid(a x): y = x s, y' = s + a y (1 - s). */
  private static Value swish(GradientContext c) {
    double alpha = c.node().realAttribute("alpha", 1);
    Value s = c.op("Sigmoid", c.times(c.in(0), alpha));
    Value bend = c.mul(c.times(c.out(), alpha), c.sub(c.number(1), s));
    return c.mul(c.dy(), c.add(s, bend));
  }

  /** With t = tanh(softplus(x)): y = x t, y' = t + x sigmoid(x) (1 - t^2). */
  private static Value mish(GradientContext c) {
    Value x = c.in(0);
    Value t = c.op("Tanh", c.op("Softplus", x));
    Value bend = c.mul(c.mul(x, c.op("Sigmoid", x)), oneMinusSquare(c, t));
    return c.mul(c.dy(), c.add(t, bend));
  }

  private static Value gelu(GradientContext c) {
    return isTanhGelu(c) ? tanhGelu(c) : erfGelu(c);
  }

  /** True for the approximation that GPT-2 uses. */
  static boolean isTanhGelu(GradientContext c) {
    return c.node().textAttribute("approximate", "none").equals("tanh");
  }

  /** With the normal distribution P and its density p: y = x P(x), y' = P(x) + x p(x). */
  private static Value erfGelu(GradientContext c) {
    return erfGelu(c, c.in(0));
  }

  /** The gradient at this input. */
  static Value erfGelu(GradientContext c, Value x) {
    Value t = c.times(x, Math.sqrt(0.5));
    Value distribution = c.times(c.add(c.op("Erf", t), c.number(1)), 0.5);
    double logFactor = -Math.log(Math.sqrt(2 * Math.PI));
    Value density = c.op("Exp", c.sub(c.number(logFactor), c.mul(t, t)));
    return c.mul(c.dy(), c.add(distribution, c.mul(x, density)));
  }

  private static Value sigmoidGelu(GradientContext c) {
    return sigmoidGelu(c, c.in(0));
  }

  /** With s = sigmoid(a x): y = x s, y' = s (1 + a x (1 - s)); at this input. */
  static Value sigmoidGelu(GradientContext c, Value x) {
    Value ax = c.mul(x, attribute(c, "alpha", 1.702f));
    Value s = c.op("Sigmoid", ax);
    Value factor = c.add(c.mul(ax, c.sub(c.number(1), s)), c.number(1));
    return c.mul(c.dy(), c.mul(s, factor));
  }

  /** y = x/2 (1 + t), t = tanh(k (x + a x^3)); y' = (1 + t)/2 + x/2 (1 - t^2) k (1 + 3 a x^2). */
  private static Value tanhGelu(GradientContext c) {
    double k = Math.sqrt(2 / Math.PI);
    double a = 0.044715;
    Value x = c.in(0);
    Value square = c.mul(x, x);
    Value inner = c.mul(x, c.add(c.times(square, k * a), c.number(k)));
    Value t = c.op("Tanh", inner);
    Value slope = c.mul(x, c.add(c.times(square, 3 * k * a), c.number(k)));
    Value factor = c.add(c.add(t, c.number(1)), c.mul(oneMinusSquare(c, t), slope));
    return c.mul(c.dy(), c.times(factor, 0.5));
  }

  /** Elements that were kept were scaled too; those that were dropped have no gradient. */
  private static Value dropout(GradientContext c) {
    boolean keepsAll = Constants.number(c.in(2)).map(flag -> flag == 0).orElse(c.in(2).isNone());
    if (keepsAll) {
      return c.dy();
    }
    Value ratio = c.in(1).isNone() ? c.number(0.5) : c.in(1);
    Value kept =
        Constants.number(ratio)
            .map(known -> c.number(1 - known))
            .orElseGet(() -> c.sub(c.number(1), c.cast(ratio, c.dtype())));
    Value gradient = c.mul(c.dy(), c.cast(c.extraOut(1), c.dtype()));
    // Where the flag is fed and false, the mask is true everywhere and nothing was scaled.
    boolean always = Constants.number(c.in(2)).isPresent();
    return c.div(gradient, always ? kept : c.where(c.in(2), kept, c.number(1)));
  }
}
