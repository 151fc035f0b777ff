package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a formula sees: one forward node, the gradients of its outputs, and the means to add nodes.
 *
 * <pre>{@code
 * // y = exp(x): the gradient of x is that of y times y
 * c -> c.mul(c.dy(), c.out())
 * }</pre>
 */
public final class GradientContext extends GradientNodes {
  private final Node node;
  private final Map<Value, Value> gradients;
  private final Set<Integer> outputsRead = new TreeSet<>();

  /**
   * A context for one node.
   *
   * @param gradients finished gradients by forward value
   */
  GradientContext(GradientNodes nodes, Node node, Map<Value, Value> gradients) {
    super(nodes, node.name());
    this.node = node;
    this.gradients = gradients;
  }

  /** The forward node. */
  public Node node() {
    return node;
  }

  /** A forward input; {@link Value#NONE} if it is left out. */
  public Value in(int index) {
    return node.input(index);
  }

  /** The forward output. */
  public Value out() {
    return node.output();
  }

  /** A forward output that exporters leave out, such as the mean of a normalization. */
  public Value extraOut(int index) {
    return emit(node, index);
  }

  /** The gradient of the first output, in its shape. */
  public Value dy() {
    return dy(0)
        .orElseThrow(() -> new NotDifferentiable("Only a side output of " + node + " is used"));
  }

  /** The gradient of an output; empty if the loss does not depend on it. */
  public Optional<Value> dy(int output) {
    outputsRead.add(output);
    return Optional.ofNullable(gradients.get(node.output(output)));
  }

  /** True if a formula has asked for the gradient of this output. */
  boolean hasRead(int output) {
    return outputsRead.contains(output);
  }

  /** Element type of the first output. */
  public DType dtype() {
    return type(out()).dtype();
  }

  /** Number of axes of a forward value. */
  public int rank(Value value) {
    return type(value).rank();
  }

  /** A scalar constant in the node's element type. */
  public Value number(double value) {
    return number(value, dtype());
  }

  /** {@code value * factor}. */
  public Value times(Value value, double factor) {
    return factor == 1 ? value : mul(value, number(factor));
  }

  /** An integer attribute that names an axis of {@code value}, counted from the front. */
  public int axisAttribute(Value value, String name, int otherwise) {
    return axis(node.intAttribute(name, otherwise), rank(value));
  }

  /** An axis counted from the front. */
  public static int axis(long axis, int rank) {
    return Math.toIntExact(axis < 0 ? axis + rank : axis);
  }

  /**
   * The axes that a node has as an attribute (before opset 13 or 18) or as a constant input.
   *
   * @param rank number of axes that the numbers count
   * @return axes counted from the front; empty if the node leaves them out
   */
  public Optional<List<Integer>> axes(int inputIndex, int rank) {
    Optional<List<Long>> attribute = node.intsAttribute("axes");
    if (attribute.isEmpty() && !in(inputIndex).isNone()) {
      List<Long> values = new ArrayList<>();
      for (long value : constantLongs(inputIndex)) {
        values.add(value);
      }
      attribute = Optional.of(values);
    }
    return attribute.map(axes -> axes.stream().map(axis -> axis(axis, rank)).sorted().toList());
  }

  /**
   * The elements of a constant integer input.
   *
   * @throws NotDifferentiable if the input is computed
   */
  public long[] constantLongs(int index) {
    return Constants.longs(in(index))
        .orElseThrow(
            () ->
                new NotDifferentiable(
                    "The gradient of %s needs '%s' to be a constant; simplify the model first"
                        .formatted(node, in(index))));
  }

  /**
   * Sums over the axes along which the forward node broadcast an input to its output.
   *
   * @param gradient of the output's shape
   */
  public Value sumToInput(Value gradient, int index) {
    return sumToInput(gradient, index, 0);
  }

  /**
   * Sums over the batch axes along which a product of matrices broadcast an input.
   *
   * @param gradient of the output's batch axes and then the input's own matrix axes
   */
  public Value sumBatchesToInput(Value gradient, int index) {
    return sumToInput(gradient, index, 2);
  }

  private Value sumToInput(Value gradient, int index, int ownAxes) {
    List<Dim> output = type(out()).dims();
    int outputOwn = 0;
    List<List<Dim>> others = new ArrayList<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      if (in(i).isNone()) {
        continue;
      }
      outputOwn += rank(in(i)) >= ownAxes ? ownAxes / 2 : 0;
      if (i != index) {
        others.add(batchAxes(in(i), ownAxes));
      }
    }
    List<Dim> batches = output.subList(0, output.size() - outputOwn);
    return sumTo(gradient, Broadcast.of(batchAxes(in(index), ownAxes), others, batches), in(index));
  }

  private List<Dim> batchAxes(Value value, int ownAxes) {
    List<Dim> dims = type(value).dims();
    return dims.subList(0, Math.max(0, dims.size() - ownAxes));
  }
}
