package dev.banyan.graph.training;

import dev.banyan.graph.autodiff.Gradients;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Lets the backward pass go below a layer only when the gradients of all parameters above are
 * there. Nothing needs those gradients but the outputs, so ONNX Runtime computes them last of all,
 * and keeps what they are made of until then: the gradient of every adapted layer's output.
 *
 * <p>To wait, the gradient at a value that everything passes through goes through a {@code Reshape}
 * to its own shape, which copies nothing, joined with nothing of the shapes of what it waits for.
 */
final class PromptGradients {
  private final Graph graph;
  private final Set<Value> forward;
  private final Map<Node, Integer> place = new HashMap<>();
  private final GraphBuilder builder;

  private PromptGradients(Graph graph, Set<Value> forward) {
    this.graph = graph;
    this.forward = forward;
    this.builder = new GraphBuilder(graph, "banyan/prompt");
    graph.sort();
    graph.nodes().forEach(node -> place.put(node, place.size()));
  }

  /**
   * Rewrites a graph.
   *
   * @param graph a forward and a backward pass
   * @param forward all that the nodes of the forward pass make
   * @param gradients of the backward pass
   */
  static void in(Graph graph, Set<Value> forward, Gradients gradients) {
    new PromptGradients(graph, forward).run(gradients);
  }

  private void run(Gradients gradients) {
    Map<Value, Value> open = new HashMap<>(gradients.wanted());
    for (Value cut : Cuts.of(graph, forward, gradients.all()).reversed()) {
      Value gradient = gradients.all().get(cut);
      if (gradient != null) {
        int below = place.getOrDefault(cut.producer().orElseThrow(), 0);
        // A sum passes its gradient on as it is, so a bias behind the cut may be made of this one.
        Set<Value> later = madeOf(gradient);
        List<Value> above =
            open.entrySet().stream()
                .filter(entry -> firstUse(entry.getKey()) > below)
                .map(Map.Entry::getValue)
                .filter(value -> !later.contains(value))
                .sorted(Comparator.comparing(Value::name))
                .toList();
        if (!above.isEmpty()) {
          open.values().removeAll(above);
          wait(gradient, above);
        }
      }
    }
  }

  /** The value and all that is computed from it. */
  private static Set<Value> madeOf(Value value) {
    Set<Value> seen = new HashSet<>(Set.of(value));
    Deque<Value> open = new ArrayDeque<>(seen);
    while (!open.isEmpty()) {
      open.pop().users().stream()
          .flatMap(user -> user.outputs().stream())
          .filter(output -> !output.isNone() && seen.add(output))
          .forEach(open::push);
    }
    return seen;
  }

  private int firstUse(Value parameter) {
    return parameter.users().stream()
        .filter(user -> user.outputs().stream().anyMatch(forward::contains))
        .mapToInt(user -> place.getOrDefault(user, 0))
        .min()
        .orElse(-1);
  }

  private void wait(Value gradient, List<Value> above) {
    Set<Node> readers = new HashSet<>(gradient.users());
    Value[] shapes = above.stream().map(value -> builder.op("Shape", value)).toArray(Value[]::new);
    Map<String, Attribute> first = Map.of("axis", Attribute.of(0L));
    Value none = builder.longs(0);
    Value nothing = builder.op("Slice", builder.op("Concat", first, shapes), none, none);
    Value shape = builder.op("Concat", first, builder.op("Shape", gradient), nothing);
    Value late = builder.op("Reshape", gradient, shape);
    gradient.type().ifPresent(late::withType);
    for (Node reader : readers) {
      for (int i = 0; i < reader.inputs().size(); i++) {
        if (reader.input(i) == gradient) {
          reader.replaceInput(i, late);
        }
      }
    }
  }
}
