package dev.banyan.graph.autodiff;

import dev.banyan.graph.autodiff.GradientRule.Formula;
import dev.banyan.graph.autodiff.GradientRule.IndexedFormula;
import dev.banyan.graph.autodiff.GradientRule.Kind;
import dev.banyan.graph.autodiff.GradientRule.NonDifferentiable;
import dev.banyan.graph.autodiff.GradientRule.PerInput;
import dev.banyan.graph.autodiff.GradientRule.Variadic;
import dev.banyan.graph.ir.OpId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A table of gradient rules, one row an operator.
 *
 * <pre>{@code
 * GradientRules mine = GradientRules.table()
 *     .elementwise("Softsign", c -> c.mul(c.dy(), ...))
 *     .shaped("CumSum", c -> ..., NO_GRADIENT)
 *     .nonDifferentiable("Floor")
 *     .build();
 * GradientRules all = GradientRules.forOrt().plus(mine);
 * }</pre>
 */
public final class GradientRules {
  private final Map<OpId, GradientRule> rows;

  private GradientRules(Map<OpId, GradientRule> rows) {
    this.rows = Map.copyOf(rows);
  }

  /** An empty table to fill. */
  public static Builder table() {
    return new Builder();
  }

  /** The rules in plain ONNX: their nodes run on every runtime and device. */
  public static GradientRules plainOnnx() {
    return ElementwiseGradients.RULES
        .plus(ActivationGradients.RULES)
        .plus(MatMulGradients.RULES)
        .plus(EinsumGradients.RULES)
        .plus(ShapeGradients.RULES)
        .plus(PadGradients.RULES)
        .plus(IndexGradients.RULES)
        .plus(ScatterGradients.RULES)
        .plus(ReductionGradients.RULES)
        .plus(ConvolutionGradients.RULES)
        .plus(PoolingGradients.RULES)
        .plus(ResizeGradients.RULES)
        .plus(NormalizationGradients.RULES)
        .plus(ChannelNormalizationGradients.RULES)
        .plus(LossGradients.RULES)
        .plus(QuantizedGradients.RULES);
  }

  /**
   * The rules to train with: plain ONNX, and ONNX Runtime's own operators where they were measured
   * to be faster. No training build of ONNX Runtime is needed, but the model must speak {@link
   * OpId#MICROSOFT}.
   */
  public static GradientRules forOrt() {
    return plainOnnx().plus(OrtGradients.RULES);
  }

  /**
   * The rules with as much of ONNX Runtime's training build as there is: what {@link #forOrt()}
   * has, and its gradient operators. For comparison: they were measured to be slower.
   */
  public static GradientRules withTrainingKernels() {
    return forOrt().plus(OrtTrainingKernels.RULES);
  }

  /** Both tables; where both have a row, the other's counts. */
  public GradientRules plus(GradientRules other) {
    Map<OpId, GradientRule> sum = new LinkedHashMap<>(rows);
    sum.putAll(other.rows);
    return new GradientRules(sum);
  }

  /** The row of this operator. */
  public Optional<GradientRule> find(OpId op) {
    return Optional.ofNullable(rows.get(op));
  }

  /** The operators that have a row. */
  public Set<OpId> operators() {
    return rows.keySet();
  }

  /**
   * Fills a table. The method's name is the kind of the row; operators outside ONNX are written as
   * {@code com.microsoft.Gelu}.
   */
  public static final class Builder {
    private final Map<OpId, GradientRule> rows = new LinkedHashMap<>();

    private Builder() {}

    /**
     * An operator that works element by element and may broadcast its inputs.
     *
     * @param inputs for each input its gradient <em>in the output's shape</em>, or {@link
     *     GradientRule#NO_GRADIENT}
     */
    public Builder elementwise(String op, Formula... inputs) {
      return row(op, new PerInput(Kind.ELEMENTWISE, List.of(inputs)));
    }

    /** An elementwise operator with any number of inputs. */
    public Builder variadicElementwise(String op, IndexedFormula formula) {
      return row(op, new Variadic(Kind.ELEMENTWISE, formula));
    }

    /**
     * An operator that changes shapes.
     *
     * @param inputs for each input its gradient <em>in the input's shape</em>, or {@link
     *     GradientRule#NO_GRADIENT}
     */
    public Builder shaped(String op, Formula... inputs) {
      return row(op, new PerInput(Kind.SHAPED, List.of(inputs)));
    }

    /** An operator with any number of inputs that changes shapes. */
    public Builder variadicShaped(String op, IndexedFormula formula) {
      return row(op, new Variadic(Kind.SHAPED, formula));
    }

    /** Operators through which no gradient flows at all. */
    public Builder nonDifferentiable(String... ops) {
      for (String op : ops) {
        row(op, new NonDifferentiable());
      }
      return this;
    }

    /** The table. */
    public GradientRules build() {
      return new GradientRules(rows);
    }

    private Builder row(String op, GradientRule rule) {
      int dot = op.lastIndexOf('.');
      OpId id = dot < 0 ? OpId.onnx(op) : new OpId(op.substring(0, dot), op.substring(dot + 1));
      if (rows.put(id, rule) != null) {
        throw new IllegalArgumentException("The table has two rows for " + id);
      }
      return this;
    }
  }
}
