package dev.banyan.graph.site;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How many weights a model has. Those that are stored in few bits count as what they stand for, and
 * their scales not at all; nor do constants of one element, which are settings such as the epsilon
 * of a normalization.
 */
public final class WeightCount {
  private static final OpId LOOK_UP = OpId.microsoft("GatherBlockQuantized");

  private final Set<Value> quantized = new HashSet<>();
  private final Set<Value> scales = new HashSet<>();
  private long stored;

  private WeightCount() {}

  /** The number of weights of a graph. */
  public static long of(Graph graph) {
    WeightCount count = new WeightCount();
    graph.nodes().forEach(count::look);
    return count.stored
        + graph.constants().stream()
            .filter(value -> !count.quantized.contains(value) && !count.scales.contains(value))
            .map(value -> value.constant().orElseThrow())
            .filter(tensor -> tensor.type().isFloatingPoint() && tensor.shape().elements() > 1)
            .mapToLong(tensor -> tensor.shape().elements())
            .sum();
  }

  private void look(Node node) {
    if (QuantizedLayer.isFused(node)) {
      count(node, 1, node.intAttribute("K", 0) * node.intAttribute("N", 0));
    } else if (node.op().equals(LOOK_UP)) {
      long bits = node.intAttribute("bits", 4);
      count(node, 0, node.input(0).constant().map(table -> numbers(table, bits)).orElse(0L));
    }
  }

  private static long numbers(Tensor packed, long bits) {
    return packed.data().byteSize() * Byte.SIZE / bits;
  }

  /** Two nodes may read the same weight. */
  private void count(Node node, int weight, long elements) {
    if (quantized.add(node.input(weight))) {
      stored += elements;
      List<Value> more = node.inputs();
      more.subList(weight + 1, Math.min(more.size(), 4)).forEach(this::addConstants);
    }
  }

  /** Scales that are quantized themselves are made by nodes. */
  private void addConstants(Value value) {
    if (value.isConstant()) {
      scales.add(value);
    } else {
      value
          .producer()
          .filter(WeightCount::isOfConstants)
          .ifPresent(node -> node.inputs().forEach(this::addConstants));
    }
  }

  private static boolean isOfConstants(Node node) {
    return List.of("Reshape", "Add", "DequantizeLinear").contains(node.op().type());
  }
}
