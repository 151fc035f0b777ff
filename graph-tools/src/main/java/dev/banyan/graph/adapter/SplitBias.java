package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Lets an {@code Add} of its own add the bias that {@code Gemm} or {@code MatMulNBits} adds itself,
 * for methods that work on the product alone.
 */
public final class SplitBias {
  private static final String BETA = "beta";

  private SplitBias() {}

  /**
   * Splits a layer's bias off, if its node has one.
   *
   * @throws UnusableModel if that is no vector with an element for each output
   */
  public static void of(Graph graph, Site site) {
    Node node = site.node();
    OptionalInt place = Site.biasPlace(node);
    if (place.isEmpty() || node.input(place.getAsInt()).isNone()) {
      return;
    }
    Value bias = vector(graph, site, node.input(place.getAsInt()));
    node.replaceInput(place.getAsInt(), Value.NONE);
    Value product = node.output();
    Set<Node> readers = Set.copyOf(product.users());
    Value sum = new GraphBuilder(graph, node.name() + "/bias").op("Add", product, bias);
    InsertAdapters.replace(graph, product, sum, readers);
  }

  private static Value vector(Graph graph, Site site, Value bias) {
    Tensor own =
        bias.constant()
            .filter(tensor -> tensor.shape().elements() == site.outFeatures())
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "The bias '%s' of the layer '%s' is not a vector of %d numbers; leave the layer out with --exclude"
                            .formatted(bias, site.path(), site.outFeatures())));
    float beta = site.node().realAttribute(BETA, 1);
    if (own.shape().rank() == 1 && beta == 1) {
      return bias;
    }
    float[] values = own.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] *= beta;
    }
    String name = graph.freshName(bias.name() + "/vector");
    return graph.addConstant(Tensor.ofFloats(name, Shape.of(values.length), values));
  }
}
