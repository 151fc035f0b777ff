package dev.banyan.graph.pass;

import static dev.banyan.graph.pass.Pattern.besideNumber;
import static dev.banyan.graph.pass.Pattern.maker;
import static dev.banyan.graph.pass.Pattern.onlyUser;
import static dev.banyan.graph.pass.Pattern.other;

import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes {@code x (1 + erf(x / sqrt 2)) / 2} as ONNX Runtime's {@code Gelu}, which every build has.
 *
 * <p>The five nodes of an exporter keep three tensors of the layer's widest size for the backward
 * pass, the one node only its input.
 */
public final class FuseGelu {
  private FuseGelu() {}

  /** Rewrites the graph; values keep their types. */
  public static void in(Graph graph) {
    for (Node node : List.copyOf(graph.nodes())) {
      if (node.op().equals(OpId.onnx("Erf"))) {
        argument(node).ifPresent(x -> result(graph, node, x).ifPresent(y -> fuse(graph, x, y)));
      }
    }
    RemoveUnused.from(graph);
  }

  private static void fuse(Graph graph, Value x, Value y) {
    GraphBuilder builder = new GraphBuilder(graph, "banyan/fused/" + y.name());
    Value fused = builder.op(OpId.microsoft("Gelu"), Map.of(), x).withType(y.knownType());
    Pattern.replace(graph, y, fused);
  }

  /** The x of {@code erf(x / sqrt 2)}. */
  private static Optional<Value> argument(Node erf) {
    Optional<Value> divided =
        maker(erf.input(0), "Div")
            .filter(node -> Pattern.isNumber(node.input(1), Math.sqrt(2)))
            .map(node -> node.input(0));
    return divided.isPresent()
        ? divided
        : maker(erf.input(0), "Mul").flatMap(node -> besideNumber(node, Math.sqrt(0.5)));
  }

  /** The value that is all of the formula. */
  private static Optional<Value> result(Graph graph, Node erf, Value x) {
    Optional<Value> sum =
        onlyUser(graph, erf.output(), "Add")
            .filter(node -> besideNumber(node, 1).filter(erf.output()::equals).isPresent())
            .map(Node::output);
    return sum.flatMap(
        plusOne ->
            onlyUser(graph, plusOne, "Mul").flatMap(product -> result(graph, product, plusOne, x)));
  }

  private static Optional<Value> result(Graph graph, Node product, Value plusOne, Value x) {
    Value factor = other(product, plusOne);
    if (factor == x) {
      return halved(graph, product.output());
    }
    if (Pattern.isNumber(factor, 0.5)) {
      return onlyUser(graph, product.output(), "Mul")
          .filter(node -> other(node, product.output()) == x)
          .map(Node::output);
    }
    return maker(factor, "Mul")
        .flatMap(half -> besideNumber(half, 0.5))
        .filter(x::equals)
        .map(half -> product.output());
  }

  private static Optional<Value> halved(Graph graph, Value product) {
    return onlyUser(graph, product, "Mul")
        .filter(node -> besideNumber(node, 0.5).filter(product::equals).isPresent())
        .map(Node::output);
  }
}
