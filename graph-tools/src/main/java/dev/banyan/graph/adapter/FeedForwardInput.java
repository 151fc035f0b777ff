package dev.banyan.graph.adapter;

import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Finds what a feed-forward block reads, from its last layer: the input of the layer before, or of
 * the two layers before, where one opens and closes the other.
 */
final class FeedForwardInput {
  private static final Set<OpId> LINEAR =
      Set.of(
          OpId.onnx("MatMul"),
          OpId.onnx("Gemm"),
          OpId.microsoft("MatMulNBits"),
          OpId.microsoft("MatMulBnb4"));

  /** Nodes of an activation that an exporter has spelled out, twice over. */
  private static final int MOST = 64;

  private FeedForwardInput() {}

  /**
   * The value that the block of this last layer reads; what adapters make of it does not count.
   *
   * @throws NoSuchSite if no layer is before, or several that read different values
   */
  static Value of(Site last) {
    Set<Value> inputs = new LinkedHashSet<>();
    Set<Value> seen = new HashSet<>();
    Deque<Value> queue = new ArrayDeque<>();
    queue.add(own(last.input()));
    while (!queue.isEmpty() && seen.size() < MOST) {
      Value value = own(queue.remove());
      if (seen.add(value) && value.producer().isPresent()) {
        Node node = value.producer().get();
        if (LINEAR.contains(node.op())) {
          inputs.add(own(node.input(0)));
        } else {
          node.inputs().stream().filter(FeedForwardInput::isFloat).forEach(queue::add);
        }
      }
    }
    if (inputs.size() != 1) {
      throw new NoSuchSite(
          "What the block of '%s' reads is not found (%s), so nothing can be put beside it; name the last layers of feed-forward blocks, or use another kind of bottleneck"
              .formatted(last.path(), inputs));
    }
    return inputs.iterator().next();
  }

  /** Shapes that are computed lead anywhere. */
  private static boolean isFloat(Value value) {
    return value.type().map(type -> type.dtype().isFloatingPoint()).orElse(true);
  }

  /** The base's own value behind what adapters have made of it. */
  private static Value own(Value value) {
    Value own = value;
    while (own.producer().filter(node -> node.name().startsWith("banyan/")).isPresent()) {
      own = own.producer().get().input(0);
    }
    return own;
  }
}
