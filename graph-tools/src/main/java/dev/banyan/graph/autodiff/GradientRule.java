package dev.banyan.graph.autodiff;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Value;
import java.util.List;

/** How the gradient of an operator's outputs becomes the gradient of its inputs: one table row. */
public sealed interface GradientRule {
  /** States in a row that no gradient flows to an input: indices, shapes, conditions. */
  Formula NO_GRADIENT =
      c -> {
        throw new IllegalStateException("No gradient flows to this input of " + c.node());
      };

  /** The gradient of one input, as nodes that are added to the graph. */
  @FunctionalInterface
  interface Formula {
    /** Adds the nodes and gives the value that they make. */
    Value of(GradientContext c);
  }

  /** The gradient of the input at {@code index} of an operator with any number of inputs. */
  @FunctionalInterface
  interface IndexedFormula {
    /** Adds the nodes and gives the value that they make. */
    Value of(GradientContext c, int index);
  }

  /** The shape of what a formula gives. */
  enum Kind {
    /** The output's shape: the driver sums it over the axes along which the input was broadcast. */
    ELEMENTWISE,
    /** Exactly the input's shape. */
    SHAPED
  }

  /**
   * A row for an operator with these inputs.
   *
   * @param kind shape of what the formulas give
   * @param inputs a formula or {@link #NO_GRADIENT} for each input that the operator can have
   */
  record PerInput(Kind kind, List<Formula> inputs) implements GradientRule {
    /** Copies the list. */
    public PerInput {
      inputs = List.copyOf(inputs);
    }
  }

  /**
   * A row for an operator whose inputs are all alike.
   *
   * @param kind shape of what the formula gives
   * @param formula gives the gradient of any input
   */
  record Variadic(Kind kind, IndexedFormula formula) implements GradientRule {}

  /** A row that states that no gradient flows to any input, however many there are. */
  record NonDifferentiable() implements GradientRule {}

  /**
   * True if gradient flows from the outputs to the input at {@code index}, or the row does not say:
   * {@link #apply} reports that, if the gradient is needed.
   */
  default boolean flowsTo(int index) {
    return switch (this) {
      case PerInput(Kind kind, List<Formula> inputs) ->
          index >= inputs.size() || !inputs.get(index).equals(NO_GRADIENT);
      case Variadic variadic -> true;
      case NonDifferentiable none -> false;
    };
  }

  /**
   * Adds the gradient of the input at {@code index}, in that input's shape.
   *
   * @throws NotDifferentiable if the row says nothing about this input
   */
  default Value apply(GradientContext c, int index) {
    return switch (this) {
      case PerInput(Kind kind, List<Formula> inputs) -> {
        if (index >= inputs.size()) {
          throw MissingRule.ofInput(c.node(), index);
        }
        yield shaped(kind, c, inputs.get(index).of(c), index);
      }
      case Variadic(Kind kind, IndexedFormula formula) ->
          shaped(kind, c, formula.of(c, index), index);
      case NonDifferentiable none -> NO_GRADIENT.of(c);
    };
  }

  private static Value shaped(Kind kind, GradientContext c, Value gradient, int index) {
    return switch (kind) {
      case ELEMENTWISE -> c.sumToInput(gradient, index);
      case SHAPED -> gradient;
    };
  }
}
