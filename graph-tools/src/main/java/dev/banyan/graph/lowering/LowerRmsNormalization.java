package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.OpId;
import java.util.List;

/**
 * {@code RMSNormalization} of operator set 23 under the name that ONNX Runtime had for it before,
 * which older operator sets can use.
 */
final class LowerRmsNormalization implements LoweringRule {
  @Override
  public List<OpId> operators() {
    return List.of(OpId.onnx("RMSNormalization"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.output(0, c.op("SimplifiedLayerNormalization", c.node().attributes(), c.in(0), c.in(1)));
  }
}
