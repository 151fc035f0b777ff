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
              c -> MatMulGradients.left(c, (dy, b) -> product(c, dy, b, "transB")),
              c -> MatMulGradients.right(c, (a, dy) -> product(c, a, dy, "transA")))
          .build();

  private static final OpId FUSED_MAT_MUL = OpId.microsoft("FusedMatMul");

  private OrtGradients() {}

  /** Reads one factor transposed instead of copying it; the CPU kernel is for float only. */
  private static Value product(GradientContext c, Value first, Value second, String transposed) {
    if (c.dtype() == DType.FLOAT) {
      return c.ops(FUSED_MAT_MUL, Map.of(transposed, Attribute.of(1L)), 1, first, second)
          .getFirst();
    }
    return transposed.equals("transB")
        ? c.op("MatMul", first, c.swapLast(second, c.rank(c.in(1))))
        : c.op("MatMul", c.swapLast(first, c.rank(c.in(0))), second);
  }
}
