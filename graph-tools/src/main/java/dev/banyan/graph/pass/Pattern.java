package dev.banyan.graph.pass;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;

/** The questions that passes ask when they look for a group of nodes. */
final class Pattern {
  /** Exporters write constants with the digits of their own precision. */
  private static final double CLOSE = 1e-4;

  private Pattern() {}

  /** The node that makes this value, if it is this ONNX operator. */
  static Optional<Node> maker(Value value, String op) {
    return value.producer().filter(node -> node.op().equals(OpId.onnx(op)));
  }

  /** The only user of a value that is not seen from outside, if it is this ONNX operator. */
  static Optional<Node> onlyUser(Graph graph, Value value, String op) {
    List<Node> users = value.users();
    return users.size() == 1 && !graph.outputs().contains(value)
        ? Optional.of(users.getFirst()).filter(node -> node.op().equals(OpId.onnx(op)))
        : Optional.empty();
  }

  /** The other input of a node with two. */
  static Value other(Node node, Value input) {
    return node.input(0) == input ? node.input(1) : node.input(0);
  }

  /** The input of a node with two whose other input is this number. */
  static Optional<Value> besideNumber(Node node, double number) {
    if (isNumber(node.input(1), number)) {
      return Optional.of(node.input(0));
    }
    return isNumber(node.input(0), number) ? Optional.of(node.input(1)) : Optional.empty();
  }

  /** Whether a value is a constant of one float element, close to this number. */
  static boolean isNumber(Value value, double number) {
    return number(value).filter(seen -> Math.abs(seen - number) < CLOSE).isPresent();
  }

  /** Puts a value in the place of another, under its name, by which other graphs know it. */
  static void replace(Graph graph, Value old, Value by) {
    String name = old.name();
    graph.replaceUses(old, by);
    graph.rename(old, graph.freshName(name + "/parts"));
    graph.rename(by, name);
  }

  /** The element of a constant that has one float element. */
  static Optional<Float> number(Value value) {
    return value
        .constant()
        .filter(tensor -> tensor.type() == DType.FLOAT && tensor.shape().elements() == 1)
        .map(tensor -> tensor.floats()[0]);
  }
}
