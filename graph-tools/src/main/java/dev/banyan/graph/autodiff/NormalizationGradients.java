package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.stream.IntStream;

/** Operators that normalize along the last axes or one of them. */
public final class NormalizationGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped("Softmax", NormalizationGradients::softmax)
          .shaped("LogSoftmax", NormalizationGradients::logSoftmax)
          .shaped(
              "LayerNormalization",
              NormalizationGradients::layerNormalization,
              c -> c.sumToInput(c.mul(c.dy(), normalized(c)), 1),
              c -> c.sumToInput(c.dy(), 2))
          .shaped(
              "RMSNormalization",
              NormalizationGradients::rms,
              c -> c.sumToInput(c.mul(c.dy(), scaled(c)), 1))
          // ONNX Runtime has it in ONNX's own domain.
          .shaped(
              "SimplifiedLayerNormalization",
              NormalizationGradients::rms,
              c -> c.sumToInput(c.mul(c.dy(), scaled(c)), 1))
          .shaped("LpNormalization", NormalizationGradients::unitLength)
          .build();

  private NormalizationGradients() {}

  /** y (dy - sum(y dy)). */
  private static Value softmax(GradientContext c) {
    Value sum = c.sum(c.mul(c.dy(), c.out()), softmaxAxes(c));
    return c.mul(c.sub(c.dy(), sum), c.out());
  }

  /** dy - exp(y) sum(dy). */
  private static Value logSoftmax(GradientContext c) {
    Value sum = c.sum(c.dy(), softmaxAxes(c));
    return c.sub(c.dy(), c.mul(c.op("Exp", c.out()), sum));
  }

  /** Before opset 13 the axis and all behind it were one. */
  private static List<Integer> softmaxAxes(GradientContext c) {
    if (c.opset() >= 13) {
      return List.of(c.axisAttribute(c.in(0), "axis", -1));
    }
    return axesFrom(c, c.axisAttribute(c.in(0), "axis", 1));
  }

  private static Value layerNormalization(GradientContext c) {
    Value g = c.mul(c.dy(), c.in(1));
    return new Normalized(normalized(c), inverseDeviation(c), normalizedAxes(c)).back(c, g);
  }

  /**
   * What an input became that was centred and divided by its deviation.
   *
   * @param h the result
   * @param inverse one over the deviation
   * @param axes along which mean and deviation were taken
   */
  record Normalized(Value h, Value inverse, List<Integer> axes) {
    /** Normalizes an input whose statistics no node hands out. */
    static Normalized of(GradientContext c, Value input, List<Integer> axes) {
      Value centred = c.sub(input, c.mean(input, axes));
      Value inverse = inverseRoot(c, c.mean(c.mul(centred, centred), axes));
      return new Normalized(c.mul(centred, inverse), inverse, axes);
    }

    /** The input's gradient from that of h, g: inv (g - mean(g) - h mean(g h)). */
    Value back(GradientContext c, Value g) {
      Value centred = c.sub(g, c.mean(g, axes));
      Value projected = c.mul(h, c.mean(c.mul(g, h), axes));
      return c.mul(c.sub(centred, projected), inverse);
    }
  }

  private static Value normalized(GradientContext c) {
    return c.mul(centred(c), inverseDeviation(c));
  }

  private static Value centred(GradientContext c) {
    return c.sub(
        c.in(0), hasFloatStatistics(c) ? c.extraOut(1) : c.mean(c.in(0), normalizedAxes(c)));
  }

  private static Value inverseDeviation(GradientContext c) {
    if (hasFloatStatistics(c)) {
      return c.extraOut(2);
    }
    Value centred = centred(c);
    return inverseRoot(c, c.mean(c.mul(centred, centred), normalizedAxes(c)));
  }

  /** One over the root of a variance, with the node's epsilon. */
  static Value inverseRoot(GradientContext c, Value variance) {
    Value epsilon = c.number(c.node().realAttribute("epsilon", 1e-5f));
    return c.op("Reciprocal", c.op("Sqrt", c.add(variance, epsilon)));
  }

  /** The node can hand out its mean and inverse deviation, but only in single precision. */
  private static boolean hasFloatStatistics(GradientContext c) {
    return c.dtype() == DType.FLOAT;
  }

  /** Without centring, with g = s dy: inv (g - h mean(g h)). */
  private static Value rms(GradientContext c) {
    Value g = c.mul(c.dy(), c.in(1));
    Value projected = c.mul(scaled(c), c.mean(c.mul(g, scaled(c)), normalizedAxes(c)));
    return c.mul(c.sub(g, projected), inverseRms(c));
  }

  private static Value scaled(GradientContext c) {
    return c.mul(c.in(0), inverseRms(c));
  }

  /** ONNX Runtime's operator can hand it out; that of ONNX cannot. */
  private static Value inverseRms(GradientContext c) {
    return c.node().op().is("SimplifiedLayerNormalization") && hasFloatStatistics(c)
        ? c.extraOut(1)
        : inverseRoot(c, c.mean(c.mul(c.in(0), c.in(0)), normalizedAxes(c)));
  }

  /** With n the norm: (dy - y sum(y dy)) / n, or for p = 1 (dy - sign(x) sum(y dy)) / n. */
  private static Value unitLength(GradientContext c) {
    Value x = c.in(0);
    List<Integer> axis = List.of(c.axisAttribute(x, "axis", -1));
    Value along = c.sum(c.mul(c.dy(), c.out()), axis);
    if (c.node().intAttribute("p", 2) == 1) {
      Value rest = c.sub(c.dy(), c.mul(c.op("Sign", x), along));
      return c.div(rest, c.sum(c.op("Abs", x), axis));
    }
    Value norm = c.op("Sqrt", c.sum(c.mul(x, x), axis));
    return c.div(c.sub(c.dy(), c.mul(c.out(), along)), norm);
  }

  private static List<Integer> normalizedAxes(GradientContext c) {
    return axesFrom(c, c.axisAttribute(c.in(0), "axis", -1));
  }

  private static List<Integer> axesFrom(GradientContext c, int first) {
    return IntStream.range(first, c.rank(c.in(0))).boxed().toList();
  }
}
