package dev.banyan.graph.autodiff;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Einstein sums. The gradient of an operand is the output's gradient and all other operands, summed
 * to the operand's letters.
 */
public final class EinsumGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table().variadicShaped("Einsum", EinsumGradients::operand).build();

  private EinsumGradients() {}

  private static Value operand(GradientContext c, int index) {
    EinsumEquation equation = EinsumEquation.of(c.node());
    requireOnce(c, equation.operands().get(index));
    List<String> terms = equation.others(index);
    List<Value> factors = new ArrayList<>(c.node().inputs());
    factors.remove(index);
    // A scalar has no letters: the output's gradient is multiplied in behind the sum.
    boolean isScalar = equation.output().isEmpty();
    if (!isScalar) {
      terms.addFirst(equation.output());
      factors.addFirst(c.dy());
    }
    if (factors.isEmpty()) {
      return c.expandLike(c.dy(), c.in(index));
    }
    List<Integer> summed = equation.axesOnlyOf(index);
    Attribute text = Attribute.of(String.join(",", terms) + "->" + equation.sharedLettersOf(index));
    Value product = c.op("Einsum", Map.of("equation", text), factors.toArray(Value[]::new));
    Value sum = c.unsqueeze(isScalar ? c.mul(product, c.dy()) : product, summed);
    Value fitting = c.sumTo(sum, broadcast(c, equation, index), c.in(index));
    return summed.isEmpty() ? fitting : c.expandLike(fitting, c.in(index));
  }

  private static void requireOnce(GradientContext c, String letters) {
    if (letters.chars().distinct().count() < letters.length()) {
      throw new NotDifferentiable(
          "%s takes a diagonal ('%s'), and Einsum is differentiated only without; adapt layers above it"
              .formatted(c.node(), letters));
    }
  }

  /** Only the axes of an ellipsis repeat an operand of size 1. */
  private static Broadcast broadcast(GradientContext c, EinsumEquation equation, int index) {
    String own = equation.operands().get(index);
    List<Dim> output = new ArrayList<>();
    List<List<Dim>> others = new ArrayList<>();
    for (int i = 0; i < c.node().inputs().size(); i++) {
      if (i != index) {
        others.add(dims(c, equation, own, i));
      }
    }
    List<Dim> input = c.type(c.in(index)).dims();
    for (int axis = 0; axis < own.length(); axis++) {
      char letter = own.charAt(axis);
      int place = equation.output().indexOf(letter);
      boolean repeats = place >= 0 && equation.broadcast().indexOf(letter) >= 0;
      output.add(repeats ? c.type(c.out()).dim(place) : input.get(axis));
    }
    return Broadcast.of(input, others, output);
  }

  /** Another operand's dimensions along the letters of this one; 1 where nothing is repeated. */
  private static List<Dim> dims(
      GradientContext c, EinsumEquation equation, String letters, int other) {
    String term = equation.operands().get(other);
    List<Dim> dims = new ArrayList<>();
    for (int axis = 0; axis < letters.length(); axis++) {
      char letter = letters.charAt(axis);
      int place = term.indexOf(letter);
      boolean repeats = place >= 0 && equation.broadcast().indexOf(letter) >= 0;
      dims.add(repeats ? c.type(c.in(other)).dim(place) : Dim.of(1));
    }
    return dims;
  }
}
