package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;

/**
 * Activations that are fused with a bias or approximated: {@code BiasGelu}, {@code FastGelu} (Gelu
 * by tanh) and {@code QuickGelu} (by sigmoid). What is left is at most {@code Gelu} itself, which
 * has a gradient.
 */
final class LowerGelu implements LoweringRule {
  private static final OpId WITH_BIAS = OpId.microsoft("BiasGelu");
  private static final OpId BY_TANH = OpId.microsoft("FastGelu");
  private static final OpId BY_SIGMOID = OpId.microsoft("QuickGelu");
  private static final OpId GELU = OpId.microsoft("Gelu");
  private static final float SIGMOID_SLOPE = 1.702f;

  @Override
  public List<OpId> operators() {
    return List.of(WITH_BIAS, BY_TANH, BY_SIGMOID);
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.requireFloat(c.in(0));
    OpId op = c.node().op();
    if (op.equals(BY_SIGMOID)) {
      double slope = c.node().realAttribute("alpha", SIGMOID_SLOPE);
      c.output(0, c.op("Mul", c.in(0), c.op("Sigmoid", c.times(c.in(0), slope))));
      return;
    }
    Value x = c.plus(c.in(0), c.in(1));
    c.output(0, op.equals(BY_TANH) ? byTanh(c, x) : c.op(GELU, Map.of(), x));
  }

  /** {@code x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³)))}. */
  private static Value byTanh(LoweringContext c, Value x) {
    double a = Math.sqrt(2 / Math.PI);
    Value slope = c.op("Add", c.times(c.op("Mul", x, x), 0.044715 * a), c.number(a));
    Value bend = c.op("Tanh", c.op("Mul", x, slope));
    return c.op("Mul", c.times(x, 0.5), c.op("Add", bend, c.number(1)));
  }
}
