package dev.banyan.graph.training;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The part of a forward graph that training never changes: all below the lowest adapter. What comes
 * out of it is the same in every epoch, so that a run can keep it and compute only the rest.
 *
 * <p>The cut is one value, the last such that everything costly below the adapters lies below it
 * too; what is cheap, such as spreading out the mask, is computed again.
 *
 * @param value name of the value
 * @param type float {@code [batch, sequence, n]} or {@code [batch, n]}
 */
record FrozenPrefix(String value, TensorType type) {
  /** Input of a graph that has been cut. */
  static final String INPUT = "frozen_prefix";

  /** A matrix of more elements is a weight, and what reads it is worth keeping. */
  private static final long SMALL = 512;

  /**
   * Looks for the cut.
   *
   * @param gradients with types
   * @param texts names of the base model's inputs; all other inputs may differ between epochs
   */
  static Optional<FrozenPrefix> of(GradientGraph gradients, List<String> texts) {
    Graph graph = gradients.model().graph();
    graph.sort();
    Set<Value> changing = changing(graph, texts);
    List<Value> candidates =
        graph.nodes().stream()
            .flatMap(node -> node.outputs().stream())
            .filter(value -> !changing.contains(value) && isByExample(value))
            .toList()
            .reversed();
    return candidates.stream()
        .filter(candidate -> !costsBeside(graph, changing, candidate))
        .findFirst()
        .filter(FrozenPrefix::hasProducts)
        .map(cut -> new FrozenPrefix(cut.name(), cut.knownType()));
  }

  /** Everything that depends on what training changes, or on what belongs to one batch only. */
  private static Set<Value> changing(Graph graph, List<String> texts) {
    Set<Value> changing = new HashSet<>();
    graph.inputs().stream().filter(input -> !texts.contains(input.name())).forEach(changing::add);
    for (Node node : graph.nodes()) {
      if (node.inputs().stream().anyMatch(changing::contains)) {
        changing.addAll(node.outputs());
      }
    }
    return changing;
  }

  private static boolean isByExample(Value value) {
    return value
        .type()
        .filter(type -> type.dtype() == DType.FLOAT && isByExample(type))
        .isPresent();
  }

  private static boolean isByExample(TensorType type) {
    Dim batch = Dim.of("batch");
    Dim sequence = Dim.of("sequence");
    List<Dim> dims = type.dims();
    boolean vector = dims.size() == 2 && dims.get(0).equals(batch);
    boolean states = dims.size() == 3 && dims.get(0).equals(batch) && dims.get(1).equals(sequence);
    return (vector || states) && dims.getLast() instanceof Dim.Known;
  }

  /** Whether something costly that training never changes is computed without passing the cut. */
  private static boolean costsBeside(Graph graph, Set<Value> changing, Value cut) {
    Deque<Value> open = new ArrayDeque<>();
    graph.nodes().stream()
        .filter(node -> node.outputs().stream().anyMatch(changing::contains))
        .flatMap(node -> node.inputs().stream())
        .filter(input -> !changing.contains(input))
        .forEach(open::add);
    graph.outputs().stream().filter(output -> !changing.contains(output)).forEach(open::add);
    Set<Value> above = above(graph, cut);
    Set<Value> seen = new HashSet<>();
    while (!open.isEmpty()) {
      Value value = open.pop();
      if (value == cut || !seen.add(value)) {
        continue;
      }
      Optional<Node> producer = value.producer();
      if (producer.isPresent() && TextShape.of(producer.get()).isEmpty()) {
        if (isCostly(producer.get()) && !above.contains(value)) {
          return true;
        }
        open.addAll(producer.get().inputs());
      }
    }
    return false;
  }

  /** Whether a weight is multiplied to make a value: looking up embeddings is cheaper than disk. */
  private static boolean hasProducts(Value cut) {
    Deque<Value> open = new ArrayDeque<>(List.of(cut));
    Set<Value> seen = new HashSet<>();
    while (!open.isEmpty()) {
      Value value = open.pop();
      Optional<Node> producer = value.producer();
      if (seen.add(value) && producer.isPresent()) {
        if (isCostly(producer.get()) && !producer.get().op().equals(OpId.onnx("Gather"))) {
          return true;
        }
        open.addAll(producer.get().inputs());
      }
    }
    return false;
  }

  /** Everything that depends on a value. */
  private static Set<Value> above(Graph graph, Value cut) {
    Set<Value> above = new HashSet<>(Set.of(cut));
    for (Node node : graph.nodes()) {
      if (node.inputs().stream().anyMatch(above::contains)) {
        above.addAll(node.outputs());
      }
    }
    return above;
  }

  /** Weights alone, as in a transposed copy of one, cost nothing at run time. */
  private static boolean isCostly(Node node) {
    return node.inputs().stream().anyMatch(input -> !input.isConstant())
        && node.inputs().stream()
            .flatMap(input -> input.constant().stream())
            .anyMatch(weight -> weight.shape().rank() > 1 && weight.shape().elements() > SMALL);
  }

  /**
   * Makes the value an input, {@link #INPUT}, and removes what is no longer needed.
   *
   * @param graph has a value of this name, with or without a type
   */
  void cut(Graph graph) {
    Set<Value> above = above(graph, graph.value(value));
    TextShape.replaceAll(
        graph,
        graph.nodes().stream().filter(node -> !above.contains(node.outputs().getFirst())).toList());
    graph.replaceUses(graph.value(value), graph.addInput(INPUT, type));
    RemoveUnused.from(graph);
  }

  /** Makes the value the only output, {@link #INPUT}, and removes what is no longer needed. */
  void keepBelow(Graph graph) {
    Value output = graph.value(value).withType(type);
    graph.rename(output, INPUT);
    graph.setOutputs(List.of(output));
    RemoveUnused.from(graph);
    List.copyOf(graph.inputs()).stream()
        .filter(input -> input.users().isEmpty())
        .forEach(graph::removeUnused);
  }
}
