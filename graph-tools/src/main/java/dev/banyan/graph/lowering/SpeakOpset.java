package dev.banyan.graph.lowering;

import dev.banyan.graph.GraphFailure.UnsupportedSetting;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Says that a model speaks an older version of ONNX's operator set. Versions 22 to 24 only gave
 * operators more element types and attributes, and added operators, which lowering has replaced.
 */
public final class SpeakOpset {
  /** The newest version that every build of ONNX Runtime's training API takes. */
  public static final int NEWEST = 21;

  private static final int NEWEST_KNOWN = 24;

  /** Operators that came after {@link #NEWEST}. */
  private static final List<String> LATER =
      List.of("Attention", "RMSNormalization", "RotaryEmbedding", "Swish", "TensorScatter");

  /** Attributes that came after {@link #NEWEST}, with the value that changes nothing. */
  private static final Map<String, String> SETTINGS =
      Map.of(
          "Cast.round_mode", "up",
          "CastLike.round_mode", "up",
          "DequantizeLinear.output_dtype", "0",
          "QuantizeLinear.precision", "0");

  private SpeakOpset() {}

  /**
   * The same graph, labelled with at most version {@link #NEWEST}.
   *
   * @throws UnsupportedSetting if a node is of an operator, or has a setting, that came later
   */
  public static Model old(Model model) {
    if (model.opset() <= NEWEST) {
      return model;
    }
    if (model.opset() > NEWEST_KNOWN) {
      throw new UnsupportedSetting(
          "The model speaks operator set %d; Banyan knows those up to %d: export it with an older one"
              .formatted(model.opset(), NEWEST_KNOWN));
    }
    model.graph().nodes().forEach(SpeakOpset::check);
    Map<String, Integer> opsets = new TreeMap<>(model.opsets());
    opsets.put("", NEWEST);
    return new Model(model.graph(), opsets, model.irVersion(), model.metadata());
  }

  private static void check(Node node) {
    if (!node.op().domain().isEmpty()) {
      return;
    }
    if (LATER.contains(node.op().type())) {
      throw refuse(node, "the operator came later");
    }
    for (String setting : List.copyOf(node.attributes().keySet())) {
      String neutral = SETTINGS.get(node.op().type() + "." + setting);
      if (neutral != null && !neutral.equals(text(node, setting))) {
        throw refuse(node, setting + " came later");
      }
    }
  }

  private static String text(Node node, String setting) {
    return node.textAttribute(setting, Long.toString(node.intAttribute(setting, 0)));
  }

  private static UnsupportedSetting refuse(Node node, String reason) {
    return new UnsupportedSetting(
        "%s of node '%s' cannot be said in operator set %d: %s; export the model with an older one"
            .formatted(node.op(), node.name(), NEWEST, reason));
  }
}
