package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import java.util.List;

/**
 * A product with a quantized weight stays as it is, except that its input is not quantized as well:
 * with {@code accuracy_level} 4 the kernel rounds activations to 8 bits, which has no gradient and
 * would make the loss another than that of the dequantized weights.
 */
final class ExactMatMulNBits implements LoweringRule {
  private static final String LEVEL = "accuracy_level";

  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("MatMulNBits"));
  }

  @Override
  public boolean fits(Node node) {
    return node.intAttribute(LEVEL, 0) != 0;
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.node().setAttribute(LEVEL, Attribute.of(0L));
  }
}
