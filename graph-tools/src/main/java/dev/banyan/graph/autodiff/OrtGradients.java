package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.Map;

/**
 * Rows that override plain ONNX where ONNX Runtime has something faster in every build.
 *
 * <p>Its training kernels for Gelu, Softmax and LayerNormalization are not here: measured on the
 * CPU, plain elementwise nodes use all threads and take about 0.9 of the time of a training step.
 */
public final class OrtGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped(
              "MatMul",
              c -> MatMulGradients.left(c, (dy, b) -> timesTransposed(c, dy, b)),
              c -> MatMulGradients.right(c, (a, dy) -> transposedTimes(c, a, dy)))
          .elementwise(
              "com.microsoft.Gelu", c -> ActivationGradients.erfGelu(c, waiting(c, c.in(0))))
          .elementwise(
              "com.microsoft.QuickGelu",
              c -> ActivationGradients.sigmoidGelu(c, waiting(c, c.in(0))))
          .build();

  private static final OpId FUSED_MAT_MUL = OpId.microsoft("FusedMatMul");

  private OrtGradients() {}

  /**
   * An input that waits for the gradient. The first half of an activation's formula needs only the
   * forward pass, and ONNX Runtime would compute it there and keep several tensors for the one.
   */
  private static Value waiting(GradientContext c, Value input) {
    return c.op("Reshape", input, c.op("Shape", c.dy()));
  }

  private static Value timesTransposed(GradientContext c, Value first, Value second) {
    return hasKernel(c)
        ? fused(c, first, second, "transB")
        : MatMulGradients.timesTransposed(c, first, second);
  }

  private static Value transposedTimes(GradientContext c, Value first, Value second) {
    return hasKernel(c)
        ? fused(c, first, second, "transA")
        : MatMulGradients.transposedTimes(c, first, second);
  }

  /** Reads one factor transposed instead of copying it. */
  private static Value fused(GradientContext c, Value first, Value second, String transposed) {
    Map<String, Attribute> attributes = Map.of(transposed, Attribute.of(1L));
    return c.ops(FUSED_MAT_MUL, attributes, 1, first, second).getFirst();
  }

  /** On the CPU it is for float only. */
  private static boolean hasKernel(GradientContext c) {
    return c.dtype() == DType.FLOAT;
  }
}
