package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.site.ModulePath;
import java.util.List;

/**
 * What PEFT puts before a module path when the encoder is part of a model with a head: exported
 * encoders do not have it.
 */
final class PeftPrefix {
  private static final String BERT_PATH = "encoder\\.layer\\.\\d+\\..*";
  private static final String DEBERTA_PATH =
      "encoder\\.layer\\.\\d+\\.attention\\.self\\.\\w+_proj.*";
  private static final String DISTILBERT_PATH = "transformer\\.layer\\.\\d+\\..*";

  private PeftPrefix() {}

  /**
   * The prefix without its dot; empty for an encoder that is trained alone, for paths that have one
   * already, and for architectures that are not known.
   *
   * @param graph the base, not yet adapted
   * @param paths module paths of the sites
   */
  static String of(Task task, Graph graph, List<String> paths) {
    return switch (task) {
      case EMBEDDING, CAUSAL_LM -> "";
      case TEXT_CLASSIFICATION, MULTI_LABEL, REGRESSION, TOKEN_CLASSIFICATION ->
          ofClassifier(graph, paths);
    };
  }

  private static String ofClassifier(Graph graph, List<String> paths) {
    if (paths.stream().allMatch(path -> path.matches(DISTILBERT_PATH))) {
      return "distilbert";
    }
    boolean layers = paths.stream().anyMatch(path -> path.matches(BERT_PATH));
    boolean mpnet = paths.stream().anyMatch(path -> path.contains(".attention.attn."));
    if (!layers || mpnet) {
      return "";
    }
    if (graph.nodes().stream().map(ModulePath::of).anyMatch(path -> path.matches(DEBERTA_PATH))) {
      return "deberta";
    }
    return countsPositions(graph) || graph.find("token_type_ids").isEmpty() ? "roberta" : "bert";
  }

  /** RoBERTa numbers positions by counting the tokens that are no padding. */
  private static boolean countsPositions(Graph graph) {
    return graph.nodes().stream().map(Node::op).anyMatch(op -> op.is("CumSum"));
  }
}
