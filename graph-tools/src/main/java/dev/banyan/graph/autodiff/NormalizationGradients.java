package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.stream.IntStream;

/** Operators that normalize along axes. */
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

  /** With h the normalized input, s its scale, g = s dy: inv (g - mean(g) - h mean(g h)). */
  private static Value layerNormalization(GradientContext c) {
    List<Integer> axes = normalizedAxes(c);
    Value h = normalized(c);
    Value g = c.mul(c.dy(), c.in(1));
    Value centred = c.sub(g, c.mean(g, axes));
    Value projected = c.mul(h, c.mean(c.mul(g, h), axes));
    return c.mul(c.sub(centred, projected), inverseDeviation(c));
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
    Value variance = c.mean(c.mul(centred, centred), normalizedAxes(c));
    Value epsilon = c.number(c.node().realAttribute("epsilon", 1e-5f));
    return c.op("Reciprocal", c.op("Sqrt", c.add(variance, epsilon)));
  }

  /** The node can hand out its mean and inverse deviation, but only in single precision. */
  private static boolean hasFloatStatistics(GradientContext c) {
    return c.dtype() == DType.FLOAT;
  }

  private static List<Integer> normalizedAxes(GradientContext c) {
    return axesFrom(c, c.axisAttribute(c.in(0), "axis", -1));
  }

  private static List<Integer> axesFrom(GradientContext c, int first) {
    return IntStream.range(first, c.rank(c.in(0))).boxed().toList();
  }
}
