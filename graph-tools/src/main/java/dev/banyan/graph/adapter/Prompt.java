package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Graph;
import java.util.List;
import java.util.Map;

/**
 * Prompt tuning (Lester et al., 2021, arXiv:2104.08691): learned embeddings stand before those of a
 * text's own tokens, and the model goes on as if they were tokens too.
 *
 * @param start how they start
 */
public record Prompt(Initializer start) implements ModelMethod {
  private static final String INIT = "init";
  private static final String TEXT = "text";

  /** The name of the embeddings, in the graphs and in PEFT's files. */
  static final String EMBEDDINGS = "prompt_embeddings";

  /** The settings that it has. */
  static List<String> settings() {
    return List.of(INIT, TEXT);
  }

  /**
   * A prompt that starts as its settings say: {@code init} is {@code random}, {@code vocabulary} or
   * {@code text}, and {@code text} the text.
   *
   * @throws IllegalArgumentException if they contradict each other
   */
  static Prompt of(Map<String, String> settings) {
    boolean given = settings.containsKey(TEXT);
    String init = settings.getOrDefault(INIT, given ? TEXT : "vocabulary");
    if (given != init.equals(TEXT)) {
      throw new IllegalArgumentException(
          given
              ? "method prompt has a text and init=%s; expected init=text".formatted(init)
              : "method prompt has init=text without a text; expected text=SOME WORDS");
    }
    return switch (init) {
      case "random" -> new Prompt(Initializer.NORMAL);
      case "vocabulary", TEXT -> new Prompt(Initializer.TOKENS_OF_BASE);
      default ->
          throw new IllegalArgumentException(
              "init of method prompt is '%s'; expected random, vocabulary or text".formatted(init));
    };
  }

  @Override
  public MethodName name() {
    return MethodName.PROMPT;
  }

  @Override
  public Place in(Graph graph) {
    TokenTable table =
        TokenTable.of(graph)
            .orElseThrow(
                () ->
                    new UnusableModel(
                        "The method prompt needs the place where the model looks up its tokens, and there is no look-up in a constant table [tokens, size] by 'input_ids'"));
    ParameterSpec spec =
        ParameterSpec.of(name(), EMBEDDINGS, List.of("tokens", Long.toString(table.width())), start)
            .stored(EMBEDDINGS, Layout.SAME)
            .withDecay();
    return new PromptPlace(graph, table, spec);
  }
}
