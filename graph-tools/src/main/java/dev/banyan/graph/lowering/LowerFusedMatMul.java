package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;

/** A product of matrices with a factor and transpositions: {@code alpha op(A) op(B)}. */
final class LowerFusedMatMul implements LoweringRule {
  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("FusedMatMul"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.requireFloat(c.in(0));
    c.requireAttribute("transBatchA", 0);
    c.requireAttribute("transBatchB", 0);
    Value a = turned(c, c.in(0), "transA");
    Value b = turned(c, c.in(1), "transB");
    c.output(0, c.times(c.linear(a, b), c.node().realAttribute("alpha", 1)));
  }

  /** A constant stays one, so that the layer is found; a vector is not turned. */
  private static Value turned(LoweringContext c, Value value, String attribute) {
    if (c.node().intAttribute(attribute, 0) == 0) {
      return value;
    }
    if (value.isConstant() && c.knownRank(value) == 2) {
      Tensor weight = value.constant().orElseThrow();
      return c.shared(
          List.of("transposed", value),
          () -> c.addConstant(WeightParts.transposed(weight, weight.name() + "/transposed")));
    }
    int rank = c.knownRank(value);
    return rank == 1 ? value : c.swapLast(value, rank);
  }
}
