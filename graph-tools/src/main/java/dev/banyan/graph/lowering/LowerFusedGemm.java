package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A {@code Gemm} and the activation behind it. */
final class LowerFusedGemm implements LoweringRule {
  /** Settings of activations; an activation that has none is listed with none. */
  private static final Map<String, List<String>> ACTIVATIONS =
      Map.of(
          "Relu", List.of(),
          "Sigmoid", List.of(),
          "Tanh", List.of(),
          "Softplus", List.of(),
          "Softsign", List.of(),
          "LeakyRelu", List.of("alpha"),
          "Elu", List.of("alpha"),
          "ThresholdedRelu", List.of("alpha"),
          "HardSigmoid", List.of("alpha", "beta"));

  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("FusedGemm"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.requireFloat(c.in(0));
    Node node = c.node();
    String activation = node.textAttribute("activation", "");
    List<String> settings =
        Optional.ofNullable(ACTIVATIONS.get(activation))
            .orElseThrow(
                () ->
                    c.refuse(
                        "activation = '" + activation + "'",
                        "only " + ACTIVATIONS.keySet() + " are"));
    Map<String, Attribute> product = new HashMap<>(node.attributes());
    product.keySet().removeIf(name -> name.startsWith("activation"));
    Map<String, Attribute> own = new HashMap<>();
    for (String setting : settings) {
      node.attribute("activation_" + setting).ifPresent(value -> own.put(setting, value));
    }
    c.output(0, c.op(activation, own, c.gemm(product)));
  }
}
