package dev.banyan.graph.pass;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes {@code x sigmoid(x)}, the activation of gated decoders, as ONNX Runtime's {@code
 * QuickGelu} with alpha 1, which every build has: for the backward pass the two nodes keep the
 * sigmoid and what its gradient is made of beside the input, the one node only its input.
 */
public final class FuseSilu {
  private FuseSilu() {}

  /** Rewrites the graph; values keep their types. */
  public static void in(Graph graph) {
    for (Node node : List.copyOf(graph.nodes())) {
      if (node.op().equals(OpId.onnx("Sigmoid"))) {
        product(graph, node).ifPresent(y -> fuse(graph, node.input(0), y));
      }
    }
    RemoveUnused.from(graph);
  }

  private static Optional<Value> product(Graph graph, Node sigmoid) {
    return Pattern.onlyUser(graph, sigmoid.output(), "Mul")
        .filter(node -> Pattern.other(node, sigmoid.output()) == sigmoid.input(0))
        .map(Node::output);
  }

  private static void fuse(Graph graph, Value x, Value y) {
    GraphBuilder builder = new GraphBuilder(graph, "banyan/fused/" + y.name());
    Map<String, Attribute> attributes = Map.of("alpha", Attribute.of(1f));
    Value fused = builder.op(OpId.microsoft("QuickGelu"), attributes, x).withType(y.knownType());
    Pattern.replace(graph, y, fused);
  }
}
