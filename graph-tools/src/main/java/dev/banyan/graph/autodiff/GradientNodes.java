package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Adds what only a backward pass needs: outputs that a forward node left out, sums to a shape. */
public class GradientNodes extends ShapeNodes {
  /** Adds to the graph of this model. */
  GradientNodes(Model model) {
    super(model);
  }

  /** Adds to the same graph, with {@code name} in the names of what it adds. */
  GradientNodes(GradientNodes shared, String name) {
    super(shared, name);
  }

  /** An output that a forward node can emit and does not yet. */
  final Value emit(Node node, int index) {
    return graph()
        .emitOutput(
            node, index, graph().freshName("banyan/gradient/" + node.output() + ":" + index));
  }

  /**
   * Sums a gradient over the axes along which {@code target} was broadcast.
   *
   * @param gradient of the broadcast shape
   * @param broadcast how the target was broadcast
   */
  final Value sumTo(Value gradient, Broadcast broadcast, Value target) {
    if (broadcast.isNone()) {
      return gradient;
    }
    if (!broadcast.undecided().isEmpty() && opset() >= 13) {
      return sumToAtRunTime(gradient, broadcast.leading(), target);
    }
    Value rest = sumToAxisByAxis(gradient, broadcast, target);
    if (broadcast.ones().isEmpty()) {
      return sumAway(rest, broadcast.axes());
    }
    List<Integer> leading = IntStream.range(0, broadcast.leading()).boxed().toList();
    return squeeze(sum(rest, broadcast.axes()), leading);
  }

  /** Compares the shapes while the graph runs and sums over the axes in which they differ. */
  private Value sumToAtRunTime(Value gradient, int leading, Value target) {
    Value shape = op("Shape", target);
    long[] ones = new long[leading];
    Arrays.fill(ones, 1);
    Value padded =
        leading == 0 ? shape : op("Concat", Map.of("axis", Attribute.of(0L)), longs(ones), shape);
    Value differs = op("Not", op("Equal", padded, op("Shape", gradient)));
    Value axes = reshape(op("NonZero", differs), longs(-1));
    Value summed =
        op(
            "ReduceSum",
            Map.of("keepdims", Attribute.of(1L), "noop_with_empty_axes", Attribute.of(1L)),
            gradient,
            axes);
    return leading == 0 ? summed : reshape(summed, shape);
  }

  /**
   * The same before opset 13, where axes cannot be computed: sums every axis and takes it or not.
   */
  private Value sumToAxisByAxis(Value gradient, Broadcast broadcast, Value target) {
    Value result = gradient;
    for (int axis : broadcast.undecided()) {
      Value size = dimOf(target, axis - broadcast.leading());
      Value chosen = where(op("Equal", size, longs(1)), sum(result, List.of(axis)), result);
      result = op("Slice", chosen, longs(0), size, longs(axis));
    }
    return result;
  }
}
