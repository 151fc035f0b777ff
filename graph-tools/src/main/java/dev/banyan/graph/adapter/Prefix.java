package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Graph;
import java.util.List;
import java.util.Map;

/**
 * Prefix tuning (Li and Liang, 2021, arXiv:2101.00190): in every layer a text's tokens attend to
 * learned keys and values too, as if to tokens before the text. As in PEFT, what is learned are the
 * keys and values themselves, and the text's positions begin behind them.
 *
 * @param start how they start
 */
public record Prefix(Initializer start) implements ModelMethod {
  private static final String INIT = "init";

  /** What PEFT calls the keys and values. */
  private static final String PEFT_KEY = "prompt_embeddings";

  /** The settings that it has. */
  static List<String> settings() {
    return List.of(INIT);
  }

  /**
   * A prefix that starts as its settings say: {@code init} is {@code random}, as in PEFT, or {@code
   * small}.
   *
   * @throws IllegalArgumentException if it is something else
   */
  static Prefix of(Map<String, String> settings) {
    String init = settings.getOrDefault(INIT, "random");
    return switch (init) {
      case "random" -> new Prefix(Initializer.NORMAL);
      case "small" -> new Prefix(Initializer.NORMAL_0_02);
      default ->
          throw new IllegalArgumentException(
              "init of method prefix is '%s'; expected random or small".formatted(init));
    };
  }

  @Override
  public MethodName name() {
    return MethodName.PREFIX;
  }

  /** For each token the key and the value of each layer, layer by layer. */
  @Override
  public Place in(Graph graph) {
    List<Attention> layers = Attention.in(graph);
    if (layers.isEmpty()) {
      throw new UnusableModel(
          "The method prefix needs the model's attention, and there is no Softmax over [batch, heads, sequence, sequence] between two products");
    }
    Attention first = layers.getFirst();
    for (Attention layer : layers) {
      if (layer.keyHeads() < 1
          || layer.headSize() < 1
          || layer.keyHeads() != first.keyHeads()
          || layer.headSize() != first.headSize()) {
        throw new UnusableModel(
            "The method prefix needs as many heads of as many elements in every layer; %s has %d of %d and %s has %d of %d"
                .formatted(
                    first.product().name(),
                    first.keyHeads(),
                    first.headSize(),
                    layer.product().name(),
                    layer.keyHeads(),
                    layer.headSize()));
      }
    }
    ParameterSpec spec =
        ParameterSpec.of(
                name(),
                "prefix_embeddings",
                List.of(
                    Size.TOKENS.text(),
                    Long.toString(2L * layers.size()),
                    Long.toString(first.keyHeads()),
                    Long.toString(first.headSize())),
                start)
            .stored(PEFT_KEY, Layout.FLAT)
            .withDecay();
    return new PrefixPlace(layers, Positions.in(graph), spec);
  }
}
