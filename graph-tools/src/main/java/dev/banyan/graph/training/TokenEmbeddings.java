package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.adapter.TokenTable;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import java.util.List;

/** The part of a model that looks up its tokens, as a graph: what a soft prompt can start from. */
final class TokenEmbeddings {
  private TokenEmbeddings() {}

  /** Whether some parameter starts so. */
  static boolean areNeeded(List<ParameterSpec> parameters) {
    return parameters.stream().anyMatch(spec -> spec.init() == Initializer.TOKENS_OF_BASE);
  }

  /**
   * Turns a base, of which the table is known to be found, into the graph.
   *
   * @param base read for this call; it is rewritten
   */
  static Model of(BaseGraph base) {
    Graph graph = base.graph();
    Value embeddings = TokenTable.of(graph).orElseThrow().output();
    Model model = base.finished(List.of(base.named("token_embeddings", embeddings)));
    List.copyOf(graph.inputs()).stream()
        .filter(input -> input.users().isEmpty())
        .forEach(graph::removeUnused);
    return model;
  }
}
