package dev.banyan.graph.pass;

import static dev.banyan.graph.pass.Pattern.maker;
import static dev.banyan.graph.pass.Pattern.onlyUser;
import static dev.banyan.graph.pass.Pattern.other;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes {@code (x - mean) / sqrt(variance + epsilon) * scale + bias} over the last axis as {@code
 * LayerNormalization}, which ONNX Runtime knows in every operator set, ONNX since 17.
 */
public final class FuseLayerNormalization {
  private FuseLayerNormalization() {}

  /** Rewrites the graph; values keep their types. */
  public static void in(Graph graph) {
    for (Node node : List.copyOf(graph.nodes())) {
      if (node.op().equals(OpId.onnx("Div"))) {
        normalized(node).ifPresent(found -> fuse(graph, node, found));
      }
    }
    RemoveUnused.from(graph);
  }

  /** The x and the epsilon of {@code (x - mean) / sqrt(variance + epsilon)}. */
  private record Normalized(Value x, float epsilon) {}

  private static Optional<Normalized> normalized(Node quotient) {
    Optional<Value> x = maker(quotient.input(0), "Sub").flatMap(FuseLayerNormalization::centred);
    Optional<Node> sum =
        maker(quotient.input(1), "Sqrt").flatMap(root -> maker(root.input(0), "Add"));
    if (x.isEmpty() || sum.isEmpty()) {
      return Optional.empty();
    }
    Node added = sum.get();
    boolean last = Pattern.number(added.input(1)).isPresent();
    Value variance = added.input(last ? 0 : 1);
    return Pattern.number(added.input(last ? 1 : 0))
        .filter(epsilon -> isVariance(variance, x.get()))
        .map(epsilon -> new Normalized(x.get(), epsilon));
  }

  /** The x of {@code x - mean(x)}. */
  private static Optional<Value> centred(Node difference) {
    Value x = difference.input(0);
    return maker(difference.input(1), "ReduceMean")
        .filter(mean -> mean.input(0) == x && isOverLastAxis(mean))
        .map(mean -> x);
  }

  private static boolean isVariance(Value value, Value x) {
    return maker(value, "ReduceMean")
        .filter(FuseLayerNormalization::isOverLastAxis)
        .flatMap(mean -> squared(mean.input(0)))
        .flatMap(difference -> maker(difference, "Sub"))
        .flatMap(FuseLayerNormalization::centred)
        .filter(x::equals)
        .isPresent();
  }

  private static Optional<Value> squared(Value square) {
    Optional<Value> power =
        maker(square, "Pow")
            .filter(node -> Pattern.isNumber(node.input(1), 2))
            .map(node -> node.input(0));
    return power.isPresent()
        ? power
        : maker(square, "Mul")
            .filter(node -> node.input(0) == node.input(1))
            .map(node -> node.input(0));
  }

  private static boolean isOverLastAxis(Node mean) {
    int rank = mean.input(0).knownType().rank();
    return mean.intAttribute("keepdims", 1) == 1
        && mean.intsAttribute("axes")
            .filter(axes -> axes.equals(List.of(-1L)) || axes.equals(List.of(rank - 1L)))
            .isPresent();
  }

  private static void fuse(Graph graph, Node quotient, Normalized found) {
    Optional<Node> product = onlyUser(graph, quotient.output(), "Mul");
    Optional<Node> sum = product.flatMap(node -> onlyUser(graph, node.output(), "Add"));
    if (sum.isEmpty()) {
      return;
    }
    Value scale = other(product.get(), quotient.output());
    Value bias = other(sum.get(), product.get().output());
    Dim width = found.x().knownType().dim(-1);
    if (!isVector(scale, width) || !isVector(bias, width)) {
      return;
    }
    Value y = sum.get().output();
    GraphBuilder builder = new GraphBuilder(graph, "banyan/fused/" + y.name());
    Map<String, Attribute> attributes =
        Map.of("axis", Attribute.of(-1L), "epsilon", Attribute.of(found.epsilon()));
    Value fused =
        builder
            .op("LayerNormalization", attributes, found.x(), scale, bias)
            .withType(y.knownType());
    Pattern.replace(graph, y, fused);
  }

  private static boolean isVector(Value value, Dim width) {
    TensorType type = value.knownType();
    // Neither computed nor broadcast; adapters may hold it, which makes it an input.
    return value.producer().isEmpty() && type.rank() == 1 && type.dim(0).equals(width);
  }
}
