package dev.banyan.graph.site;

import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds layers that a model calls on its inputs and on constants too. DeBERTa multiplies its
 * position embeddings with the weights of query and key: simplification makes one more constant of
 * that product, and an adapter on the call that is left would be no adapter of the layer.
 */
public final class ConstantCalls {
  private static final String NOTE = "banyan.called_on_constants";

  /** Tracing exporters number the calls of a module after the first. */
  private static final Pattern FURTHER_CALL = Pattern.compile("_\\d+$");

  private ConstantCalls() {}

  /**
   * Notes such layers in a simplified model.
   *
   * @param original the model as it was exported
   * @param simplified what is left of it; its nodes have the exporter's notes
   */
  public static void note(Graph original, Graph simplified) {
    Set<String> paths = paths(original);
    for (Node node : simplified.nodes()) {
      if (isProduct(node) && paths.contains(ModulePath.of(node))) {
        Map<String, String> notes = new HashMap<>(node.metadata());
        notes.put(NOTE, "");
        node.setMetadata(notes);
      }
    }
  }

  /** True if {@link #note} found that the node's layer is called on constants too. */
  public static boolean isNoted(Node node) {
    return node.metadata().containsKey(NOTE);
  }

  private static Set<String> paths(Graph graph) {
    Set<Value> computed = new HashSet<>(graph.inputs());
    Set<String> paths = new HashSet<>();
    graph.sort();
    for (Node node : graph.nodes()) {
      // What a subgraph reads is not looked at: it is taken to depend on the inputs.
      if (!node.captures().isEmpty() || node.inputs().stream().anyMatch(computed::contains)) {
        computed.addAll(node.outputs());
      } else if (isProduct(node)) {
        String path = ModulePath.of(node);
        paths.add(path);
        paths.add(FURTHER_CALL.matcher(path).replaceFirst(""));
      }
    }
    return paths;
  }

  private static boolean isProduct(Node node) {
    return node.op().is("MatMul") || node.op().is("Gemm");
  }
}
