package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Matrix products. */
public final class MatMulGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped(
              "MatMul",
              c -> left(c, (dy, b) -> timesTransposed(c, dy, b)),
              c -> right(c, (a, dy) -> transposedTimes(c, a, dy)))
          .shaped("Gemm", MatMulGradients::gemmA, MatMulGradients::gemmB, MatMulGradients::gemmC)
          .build();

  private MatMulGradients() {}

  /** A product of two stacks of matrices, one of them transposed. */
  @FunctionalInterface
  interface Product {
    /** Adds the node. */
    Value of(Value first, Value second);
  }

  /**
   * The gradient of A in Y = AB.
   *
   * @param timesTransposed adds {@code first · secondᵀ}
   */
  static Value left(GradientContext c, Product timesTransposed) {
    Value a = c.in(0);
    Value b = c.in(1);
    if (c.rank(b) == 1) {
      // Y lacks B's column axis: dA is an outer product.
      Value dy = c.rank(a) == 1 ? c.dy() : c.unsqueeze(c.dy(), List.of(c.rank(a) - 1));
      return c.mul(dy, b);
    }
    if (c.rank(a) == 1) {
      Value row = c.unsqueeze(c.dy(), List.of(c.rank(b) - 2));
      Value raw = c.squeeze(timesTransposed.of(row, b), List.of(c.rank(b) - 2));
      return c.sumBatchesToInput(raw, 0);
    }
    return c.sumBatchesToInput(timesTransposed.of(c.dy(), QuantizedGradients.fresh(c, b)), 0);
  }

  /**
   * The gradient of B in Y = AB.
   *
   * @param transposedTimes adds {@code firstᵀ · second}
   */
  static Value right(GradientContext c, Product transposedTimes) {
    Value a = c.in(0);
    Value b = c.in(1);
    if (c.rank(b) == 1) {
      Value dy = c.rank(a) == 1 ? c.dy() : c.unsqueeze(c.dy(), List.of(c.rank(a) - 1));
      return c.sumAway(c.mul(dy, a), firstAxes(c.rank(a) - 1));
    }
    if (c.rank(a) == 1) {
      Value dy = c.unsqueeze(c.dy(), List.of(c.rank(b) - 2));
      return c.mul(c.unsqueeze(a, List.of(1)), dy);
    }
    if (c.rank(b) == 2) {
      // All rows of all batches at once: no product a batch, no sum over them.
      Value rows = c.flattenRows(a, c.rank(a));
      Value dy = c.flattenRows(c.dy(), c.rank(a));
      return gemm(c, rows, dy, true, false);
    }
    return c.sumBatchesToInput(transposedTimes.of(a, c.dy()), 1);
  }

  /** {@code first · secondᵀ}, where second is B. */
  static Value timesTransposed(GradientContext c, Value first, Value second) {
    return c.op("MatMul", first, c.swapLast(second, c.rank(c.in(1))));
  }

  /** {@code firstᵀ · second}, where first is A. */
  static Value transposedTimes(GradientContext c, Value first, Value second) {
    return c.op("MatMul", c.swapLast(first, c.rank(c.in(0))), second);
  }

  private static List<Integer> firstAxes(int count) {
    return IntStream.range(0, count).boxed().toList();
  }

  private static Value gemm(GradientContext c, Value a, Value b, boolean transA, boolean transB) {
    return gemm(c, a, b, new Transposed(transA, transB), 1);
  }

  private record Transposed(boolean a, boolean b) {}

  private static Value gemm(GradientContext c, Value a, Value b, Transposed t, float alpha) {
    Map<String, Attribute> attributes =
        Map.of(
            "transA", Attribute.of(t.a() ? 1L : 0L),
            "transB", Attribute.of(t.b() ? 1L : 0L),
            "alpha", Attribute.of(alpha));
    return c.ops(OpId.onnx("Gemm"), attributes, 1, a, b).getFirst();
  }

  private static Value gemmA(GradientContext c) {
    Transposed forward = transposed(c);
    return forward.a()
        ? gemm(c, c.in(1), c.dy(), new Transposed(forward.b(), true), alpha(c))
        : gemm(c, c.dy(), c.in(1), new Transposed(false, !forward.b()), alpha(c));
  }

  private static Value gemmB(GradientContext c) {
    Transposed forward = transposed(c);
    return forward.b()
        ? gemm(c, c.dy(), c.in(0), new Transposed(true, forward.a()), alpha(c))
        : gemm(c, c.in(0), c.dy(), new Transposed(!forward.a(), false), alpha(c));
  }

  private static Value gemmC(GradientContext c) {
    Value sum = c.sumToInput(c.dy(), 2);
    return c.times(sum, c.node().realAttribute("beta", 1));
  }

  private static Transposed transposed(GradientContext c) {
    return new Transposed(
        c.node().intAttribute("transA", 0) != 0, c.node().intAttribute("transB", 0) != 0);
  }

  private static float alpha(GradientContext c) {
    return c.node().realAttribute("alpha", 1);
  }
}
