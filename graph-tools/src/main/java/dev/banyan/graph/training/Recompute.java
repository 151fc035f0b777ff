package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.autodiff.Gradients;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Computes forward values again where the backward pass reads them, so that they are not in memory
 * in between (Chen et al., 2016, arXiv:1604.06174).
 *
 * <p>{@link #cheap} does it where it costs next to nothing: elementwise nodes and normalizations
 * over what is kept in any case. {@link #layers} keeps only the values that everything passes
 * through, about two for a layer of a transformer, and runs all between them twice.
 */
final class Recompute {
  private static final Set<String> CHEAP =
      Set.of(
          "Add",
          "Cast",
          "Concat",
          "Div",
          "Expand",
          "Gelu",
          "Identity",
          "LayerNormalization",
          "Mul",
          "Neg",
          "Pow",
          "QuickGelu",
          "ReduceMean",
          "Relu",
          "Reshape",
          "Sigmoid",
          "SimplifiedLayerNormalization",
          "Slice",
          "Split",
          "Sqrt",
          "Squeeze",
          "Sub",
          "Tanh",
          "Transpose",
          "Unsqueeze",
          "Where");

  private final Graph graph;
  private final Set<Value> forward;
  private final Map<Value, Value> gradients;
  private final Map<Node, Integer> place = new HashMap<>();

  private Recompute(Graph graph, Set<Value> forward, Gradients gradients) {
    this.graph = graph;
    this.forward = forward;
    this.gradients = gradients.all();
    graph.sort();
    graph.nodes().forEach(node -> place.put(node, place.size()));
  }

  /**
   * Computes again what costs nothing that counts.
   *
   * @param graph a forward and a backward pass
   * @param forward all that the nodes of the forward pass make
   * @param gradients of the backward pass
   */
  static void cheap(Graph graph, Set<Value> forward, Gradients gradients) {
    new Recompute(graph, forward, gradients).cheap();
  }

  /**
   * Computes everything again but what is needed to begin.
   *
   * @param graph as in {@link #cheap}
   * @param forward as in {@link #cheap}
   * @param gradients as in {@link #cheap}
   */
  static void layers(Graph graph, Set<Value> forward, Gradients gradients) {
    new Recompute(graph, forward, gradients).layers();
  }

  private void cheap() {
    Set<Value> kept = new HashSet<>();
    List<Value> again = new ArrayList<>();
    for (Value value : kept()) {
      boolean worthwhile = isLarge(value) && waitingFor(value).isPresent();
      (worthwhile && isCheap(value, kept) ? again : kept).add(value);
    }
    LateCopies copies = new LateCopies(graph);
    // Copies are shared, and wait for the first gradient that one of their readers has.
    again.sort(Comparator.comparingInt(this::lastUse).reversed());
    for (Value value : again) {
      Value gradient = waitingFor(value).orElseThrow();
      replace(value, copies.of(value, gradient, input -> isLeaf(input, kept)));
    }
  }

  /** What the backward pass reads of the forward pass, in the order in which it is made. */
  private List<Value> kept() {
    return graph.nodes().stream()
        .flatMap(node -> node.outputs().stream())
        .filter(value -> forward.contains(value) && !readers(value).isEmpty())
        .filter(value -> !graph.outputs().contains(value))
        .toList();
  }

  /** The nodes of the backward pass that read a value itself, and not only its shape. */
  private List<Node> readers(Value value) {
    return value.users().stream()
        .filter(user -> !isForward(user) && !user.op().is("Shape"))
        .toList();
  }

  private boolean isForward(Node node) {
    return node.outputs().stream().anyMatch(forward::contains);
  }

  /** Real numbers of a batch; what has the rank as an axis is thin. */
  private static boolean isLarge(Value value) {
    return value
        .type()
        .filter(type -> type.dtype().isFloatingPoint() && type.rank() > 1)
        .map(TensorType::dims)
        .filter(dims -> !dims.contains(Dim.of(ParameterSpec.RANK)))
        .isPresent();
  }

  private boolean isCheap(Value value, Set<Value> kept) {
    Optional<Node> node = value.producer().filter(maker -> CHEAP.contains(maker.op().type()));
    return node.isPresent()
        && node.get().inputs().stream()
            .allMatch(input -> isLeaf(input, kept) || isCheap(input, kept));
  }

  private static boolean isLeaf(Value value, Set<Value> kept) {
    boolean whole = value.type().filter(type -> !type.dtype().isFloatingPoint()).isPresent();
    return value.producer().isEmpty() || kept.contains(value) || whole;
  }

  /** The gradient of what the last node to use a value makes of it: the first one to be there. */
  private Optional<Value> waitingFor(Value value) {
    return value.users().stream()
        .filter(this::isForward)
        .filter(user -> gradients.containsKey(user.output()))
        .max(Comparator.comparingInt(place::get))
        .map(user -> gradients.get(user.output()));
  }

  private int lastUse(Value value) {
    return value.users().stream()
        .filter(this::isForward)
        .mapToInt(user -> place.getOrDefault(user, -1))
        .max()
        .orElse(-1);
  }

  private void layers() {
    LateCopies copies = new LateCopies(graph);
    Set<Value> ends = new HashSet<>();
    List<Value> segment = new ArrayList<>();
    Set<Value> cuts = new HashSet<>(Cuts.of(graph, forward, gradients));
    for (Node node : List.copyOf(graph.nodes())) {
      for (Value value : node.outputs()) {
        if (forward.contains(value) && gradients.containsKey(value)) {
          segment.add(value);
        }
      }
      Value gradient = gradients.get(node.output());
      if (gradient != null && cuts.contains(node.output())) {
        ends.add(node.output());
        again(segment, gradient, copies, ends);
        segment.clear();
      }
    }
  }

  /** Computes all between two values that everything passes through, when the gradient is there. */
  private void again(List<Value> segment, Value gradient, LateCopies copies, Set<Value> ends) {
    for (Value value : segment) {
      if (!ends.contains(value) && !readers(value).isEmpty() && !graph.outputs().contains(value)) {
        replace(
            value,
            copies.of(
                value, gradient, input -> ends.contains(input) || !gradients.containsKey(input)));
      }
    }
  }

  /** Lets the backward pass read another value. */
  private void replace(Value value, Value by) {
    for (Node reader : readers(value)) {
      for (int i = 0; i < reader.inputs().size(); i++) {
        if (place.containsKey(reader) && reader.input(i) == value) {
          reader.replaceInput(i, by);
        }
      }
    }
  }
}
