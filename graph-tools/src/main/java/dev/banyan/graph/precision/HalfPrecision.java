package dev.banyan.graph.precision;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Writes the products of a forward graph in 16 bits, as PyTorch's autocast does, before it is
 * differentiated: the backward pass follows through the casts.
 *
 * <table>
 * <caption>What is computed in what</caption>
 * <tr><td>products of activations and weights</td><td>16 bits; weights are cast here, once</td></tr>
 * <tr><td>what moves elements, activation functions</td><td>as their input</td></tr>
 * <tr><td>sums and elementwise products</td><td>16 bits, unless one is a tensor of 32</td></tr>
 * <tr><td>all else: softmax, normalization, sums over an axis</td><td>32 bits</td></tr>
 * <tr><td>graph inputs and outputs, and what depends on an output, the loss</td><td>32 bits</td></tr>
 * </table>
 *
 * <p>Every value of 32 bits has the name that it had before.
 */
public final class HalfPrecision {
  private static final Set<String> PRODUCTS = Set.of("MatMul", "Gemm", "Conv", "Einsum");

  /** These have one floating-point input, which decides. */
  private static final Set<String> FOLLOWERS =
      Set.of(
          "Reshape",
          "Transpose",
          "Squeeze",
          "Unsqueeze",
          "Flatten",
          "Expand",
          "Slice",
          "Split",
          "Gather",
          "Identity",
          "Tile",
          "Relu",
          "Tanh",
          "Sigmoid",
          "Neg",
          "Gelu",
          "FastGelu",
          "QuickGelu");

  private static final Set<String> ELEMENTWISE =
      Set.of("Add", "Sub", "Mul", "Div", "Where", "Concat", "Max", "Min");

  /** Tables that are looked up, which make states of token ids. */
  private static final Set<String> TABLES = Set.of("Gather", "GatherBlockQuantized");

  private final Graph graph;
  private final DType half;
  private final Set<Value> outputs;
  private final Map<Value, Value> halves = new HashMap<>();
  private final Map<Value, Value> floats = new HashMap<>();
  private final Map<Value, String> names = new HashMap<>();
  private final Set<Value> states = new HashSet<>();
  private final Set<Value> behindOutputs = new HashSet<>();

  private HalfPrecision(Graph graph, DType half) {
    this.graph = graph;
    this.half = half;
    this.outputs = new HashSet<>(graph.outputs());
  }

  /**
   * Rewrites a graph.
   *
   * @param graph every value of it has a type, and keeps one
   * @param half FLOAT16 or BFLOAT16
   */
  public static void in(Graph graph, DType half) {
    graph.sort();
    new HalfPrecision(graph, half).run();
    RemoveUnused.from(graph);
    graph.sort();
  }

  private void run() {
    graph.inputs().stream().filter(HalfPrecision::isFloat).forEach(states::add);
    for (Node node : List.copyOf(graph.nodes())) {
      boolean behind = isBehindOutputs(node);
      boolean narrow = !behind && narrows(node);
      note(node, behind);
      for (int i = 0; i < node.inputs().size(); i++) {
        Value input = node.input(i);
        if (narrow && isReal(input)) {
          node.replaceInput(i, inHalf(input));
        } else if (!narrow && isHalf(input)) {
          node.replaceInput(i, inFloat(input));
        }
      }
      if (narrow) {
        node.outputs().stream().filter(HalfPrecision::isFloat).forEach(this::narrow);
      }
    }
    graph.setOutputs(
        graph.outputs().stream().map(value -> isHalf(value) ? inFloat(value) : value).toList());
  }

  /** Notes of what a node makes where it comes from. */
  private void note(Node node, boolean behind) {
    boolean looksUp = TABLES.contains(node.op().type()) && isFloat(node.output());
    boolean fromState = looksUp || node.inputs().stream().anyMatch(states::contains);
    for (Value output : node.outputs()) {
      if (fromState) {
        states.add(output);
      }
      if (behind) {
        behindOutputs.add(output);
      }
    }
  }

  private boolean isBehindOutputs(Node node) {
    return node.inputs().stream()
        .anyMatch(input -> outputs.contains(input) || behindOutputs.contains(input));
  }

  private boolean narrows(Node node) {
    String type = node.op().type();
    if (PRODUCTS.contains(type)) {
      // Else it makes angles of positions, for which 16 bits are not enough.
      return node.inputs().stream().anyMatch(states::contains);
    }
    if (FOLLOWERS.contains(type)) {
      return isHalf(node.input(0));
    }
    return ELEMENTWISE.contains(type)
        && node.inputs().stream().anyMatch(this::isHalf)
        && node.inputs().stream().allMatch(input -> !isFloat(input) || yields(input));
  }

  /** A number, or a constant that 16 bits can hold, takes the type of what it is combined with. */
  private boolean yields(Value value) {
    if (value.isConstant()) {
      return NarrowWeight.fits(value.constant().orElseThrow(), half);
    }
    return value.knownType().rank() == 0;
  }

  /** An output is now in 16 bits, under another name. */
  private void narrow(Value output) {
    String name = output.name();
    names.put(output, name);
    graph.rename(output, graph.freshName(name + suffix()));
    output.withType(new TensorType(half, output.knownType().dims()));
  }

  private Value inHalf(Value value) {
    if (isHalf(value)) {
      return value;
    }
    return halves.computeIfAbsent(
        value,
        wide -> {
          String name = graph.freshName(wide.name() + suffix());
          return wide.constant()
              .map(weight -> graph.addConstant(NarrowWeight.of(weight, half).named(name)))
              .orElseGet(() -> cast(wide, half, name));
        });
  }

  private Value inFloat(Value value) {
    return floats.computeIfAbsent(
        value,
        narrow -> cast(narrow, DType.FLOAT, Optional.ofNullable(names.get(narrow)).orElseThrow()));
  }

  private Value cast(Value value, DType type, String name) {
    return graph
        .addNode(
            OpId.onnx("Cast"),
            name + "/Cast",
            List.of(value),
            List.of(name),
            Map.of("to", Attribute.of((long) type.onnxCode())))
        .output()
        .withType(new TensorType(type, value.knownType().dims()));
  }

  private String suffix() {
    return half == DType.FLOAT16 ? "/fp16" : "/bf16";
  }

  private boolean isReal(Value value) {
    return isFloat(value) || isHalf(value);
  }

  private boolean isHalf(Value value) {
    return !value.isNone() && value.type().filter(type -> type.dtype() == half).isPresent();
  }

  private static boolean isFloat(Value value) {
    return !value.isNone() && value.type().filter(type -> type.dtype() == DType.FLOAT).isPresent();
  }
}
