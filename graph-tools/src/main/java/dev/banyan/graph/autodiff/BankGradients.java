package dev.banyan.graph.autodiff;

import dev.banyan.graph.autodiff.GradientRule.Formula;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Rules for graphs whose rows pick parameters out of banks: many rows pick the same slot, and their
 * gradients are added up by a matrix product instead of one after the other.
 */
public final class BankGradients {
  private static final OpId GATHER = OpId.onnx("Gather");

  private BankGradients() {}

  /** These rules with another row for what picks from an input of the graph. */
  public static GradientRules over(GradientRules rules) {
    GradientRule standard = rules.find(GATHER).orElseThrow();
    Formula formula = c -> isBank(c) ? ofBank(c) : standard.apply(c, 0);
    return rules.plus(
        GradientRules.table().shaped("Gather", formula, GradientRule.NO_GRADIENT).build());
  }

  private static boolean isBank(GradientContext c) {
    Value data = c.in(0);
    boolean input = data.producer().isEmpty() && !data.isConstant();
    return input && c.rank(c.in(1)) == 1 && c.axisAttribute(data, "axis", 0) == 0;
  }

  private static Value ofBank(GradientContext c) {
    List<Value> sizes = new ArrayList<>();
    for (int axis = 0; axis < c.rank(c.in(0)); axis++) {
      sizes.add(c.dimOf(c.in(0), axis));
    }
    return ScatterAdd.rows(c, new ScatterAdd.Part(c.dy(), sizes), c.in(1));
  }
}
