package dev.banyan.graph.adapter;

import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One attention of tokens to the tokens of their own text: {@code softmax(queries keys^T ..)
 * values}.
 *
 * @param product multiplies queries {@code [batch, heads, .., size]} and keys {@code [batch, heads,
 *     size, sequence]}
 * @param steps make of the products what the softmax reads: scales, masks, biases
 * @param softmax over the keys
 * @param context multiplies what the softmax gives and values {@code [batch, heads, sequence,
 *     size]}
 * @param scales what keys are multiplied or divided by on their way to the product
 * @param copies how many heads of queries have copies of the same keys
 */
record Attention(
    Node product, List<Step> steps, Node softmax, Node context, List<Step> scales, long copies) {
  private static final Set<String> ONE_BY_ONE = Set.of("Cast", "Identity", "Tanh", "Dropout");
  private static final Set<String> EITHER = Set.of("Add", "Mul");
  private static final Set<String> FIRST = Set.of("Sub", "Div", "Clip", "Max", "Min");

  /** What only arranges keys anew. */
  private static final Set<String> ARRANGING =
      Set.of("Transpose", "Reshape", "Expand", "Unsqueeze", "Squeeze", "Identity", "Cast");

  /** Copies the lists. */
  Attention {
    steps = List.copyOf(steps);
    scales = List.copyOf(scales);
  }

  /**
   * A node that works element by element.
   *
   * @param input which of its inputs is worked on; the others are the same for all rows, or masks
   */
  record Step(Node node, int input) {}

  /** Every attention of a graph whose values have types, from the first layer to the last. */
  static List<Attention> in(Graph graph) {
    List<Attention> found = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (node.op().is("Softmax") && isScores(node.input(0))) {
        of(node).ifPresent(found::add);
      }
    }
    return found;
  }

  private static boolean isScores(Value value) {
    return value.type().filter(type -> type.rank() == 4).isPresent()
        && !(value.knownType().dim(3) instanceof Dim.Known);
  }

  private static Optional<Attention> of(Node softmax) {
    List<Step> steps = new ArrayList<>();
    Optional<Node> product = product(softmax.input(0), steps);
    Optional<Node> context = context(softmax.output());
    if (product.isEmpty() || context.isEmpty()) {
      return Optional.empty();
    }
    List<Step> scales = new ArrayList<>();
    long copies = keys(product.get().input(1), scales);
    return Optional.of(new Attention(product.get(), steps, softmax, context.get(), scales, copies));
  }

  /** The product that scores are made of. */
  private static Optional<Node> product(Value scores, List<Step> steps) {
    Optional<Node> maker = scores.producer();
    if (maker.isEmpty()) {
      return Optional.empty();
    }
    Node node = maker.get();
    if (node.op().is("MatMul")) {
      boolean two = node.inputs().stream().noneMatch(Value::isConstant);
      return maker.filter(_ -> two && isScores(scores));
    }
    for (int i = 0; i < node.inputs().size(); i++) {
      if (worksOn(node, i)) {
        Optional<Node> product = product(node.input(i), steps);
        if (product.isPresent()) {
          steps.add(new Step(node, i));
          return product;
        }
      }
    }
    return Optional.empty();
  }

  private static boolean worksOn(Node node, int input) {
    String type = node.op().type();
    return node.op().domain().isEmpty()
        && (EITHER.contains(type)
            || (input == 0 && (ONE_BY_ONE.contains(type) || FIRST.contains(type)))
            || (input > 0 && type.equals("Where")));
  }

  /** The product that what the softmax gives goes into, maybe past a guard against NaN. */
  private static Optional<Node> context(Value probabilities) {
    Set<Node> products = new LinkedHashSet<>();
    for (Node user : probabilities.users()) {
      if (user.op().is("MatMul") && user.input(0) == probabilities) {
        products.add(user);
      } else if (ONE_BY_ONE.contains(user.op().type()) || user.op().is("Where")) {
        context(user.output()).ifPresent(products::add);
      }
    }
    return products.stream().findFirst().filter(_ -> products.size() == 1);
  }

  /** Walks from the product back to where keys are made; gives the number of copies. */
  private static long keys(Value keys, List<Step> scales) {
    long copies = 1;
    Value at = keys;
    while (at.producer().isPresent()) {
      Node node = at.producer().get();
      if (node.op().is("Expand")) {
        copies = Math.max(copies, copies(at));
      }
      if (ARRANGING.contains(node.op().type())) {
        at = node.input(0);
      } else if (scaled(node) >= 0) {
        scales.addFirst(new Step(node, scaled(node)));
        at = node.input(scaled(node));
      } else {
        break;
      }
    }
    return copies;
  }

  /** Keys {@code [batch, heads, copies, ..]}, each as often as heads of queries share it. */
  private static long copies(Value keys) {
    return keys.type().filter(type -> type.rank() == 5).stream()
        .map(type -> type.dim(2))
        .mapToLong(dim -> dim instanceof Dim.Known(long size) ? size : 1)
        .findFirst()
        .orElse(1);
  }

  /** Which input a node multiplies or divides by a single number; -1 if it does nothing so. */
  private static int scaled(Node node) {
    if (node.op().is("Mul") || node.op().is("Div")) {
      for (int i = 0; i < (node.op().is("Mul") ? 2 : 1); i++) {
        if (isSingle(node.input(1 - i))) {
          return i;
        }
      }
    }
    return -1;
  }

  static boolean isSingle(Value value) {
    Optional<TensorType> type =
        value
            .constant()
            .map(tensor -> TensorType.of(tensor.type(), tensor.shape()))
            .or(value::type);
    return type.filter(t -> t.dims().stream().allMatch(dim -> dim.isKnownToBe(1))).isPresent();
  }

  /** Heads that have keys of their own. */
  long keyHeads() {
    return size(1) / copies;
  }

  /** Elements of a key. */
  long headSize() {
    return size(2);
  }

  private long size(int axis) {
    return product.input(1).type().filter(type -> type.rank() == 4).stream()
        .map(type -> type.dim(axis))
        .mapToLong(dim -> dim instanceof Dim.Known(long size) ? size : -1)
        .findFirst()
        .orElse(-1);
  }

  /** The values that are scores or what is made of them, of which some ask for the shape. */
  List<Value> scores() {
    List<Value> scores = new ArrayList<>(List.of(product.output()));
    steps.forEach(step -> scores.add(step.node().output()));
    scores.add(softmax.output());
    return scores;
  }
}
