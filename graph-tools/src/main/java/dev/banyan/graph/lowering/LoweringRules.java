package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A table of lowering rules, at most one for an operator.
 *
 * <pre>{@code
 * Lower.all(model, LoweringRules.standard());
 * Lower.all(model, LoweringRules.standard().plus(LoweringRules.dequantize()));
 * }</pre>
 */
public final class LoweringRules {
  private final Map<OpId, LoweringRule> rules;

  private LoweringRules(Map<OpId, LoweringRule> rules) {
    this.rules = Map.copyOf(rules);
  }

  /** A table of these rules. */
  public static LoweringRules of(LoweringRule... rules) {
    Map<OpId, LoweringRule> rows = new LinkedHashMap<>();
    for (LoweringRule rule : rules) {
      for (OpId op : rule.operators()) {
        if (rows.put(op, rule) != null) {
          throw new IllegalArgumentException("The table has two rules for " + op);
        }
      }
    }
    return new LoweringRules(rows);
  }

  /** Every rule. Quantized weights stay quantized. */
  public static LoweringRules standard() {
    return of(
        new LowerSkipNormalization(),
        new LowerRmsNormalization(),
        new LowerEmbedLayerNormalization(),
        new LowerGelu(),
        new LowerFusedMatMul(),
        new LowerFusedGemm(),
        new LowerPackedAttention(),
        new LowerGroupQueryAttention(),
        new LowerMultiHeadAttention(),
        new LowerAttention(),
        new LowerRotaryEmbedding(),
        new LowerIntegerMatMul(),
        new LowerFourBits(),
        new LowerFourBits.OtherWeight(),
        new ExactMatMulNBits());
  }

  /**
   * The rules that make float weights of quantized ones: plain operators throughout, for four to
   * eight times the memory. They go on top of the others.
   */
  public static LoweringRules dequantize() {
    return of(
        new DequantizeMatMulNBits(),
        new DequantizeGather(),
        new DequantizeMatMulBnb4(),
        new DequantizeConstant());
  }

  /** Both tables; where both have a rule, the other's counts. */
  public LoweringRules plus(LoweringRules other) {
    Map<OpId, LoweringRule> sum = new HashMap<>(rules);
    sum.putAll(other.rules);
    return new LoweringRules(sum);
  }

  /** The rule that rewrites this node. */
  public Optional<LoweringRule> find(Node node) {
    return Optional.ofNullable(rules.get(node.op())).filter(rule -> rule.fits(node));
  }

  /** The operators that have a rule. */
  public Set<OpId> operators() {
    return rules.keySet();
  }

  /** The rules, each once. */
  List<LoweringRule> all() {
    return rules.values().stream().distinct().toList();
  }
}
