package dev.banyan.graph.ir;

import java.util.Map;
import java.util.TreeMap;

/**
 * A graph with what is needed to run it.
 *
 * @param graph the graph; it may be rewritten in place
 * @param opsets operator set version by domain (the empty domain is ONNX)
 * @param irVersion version of the ONNX file format
 * @param metadata free key-value pairs
 */
public record Model(
    Graph graph, Map<String, Integer> opsets, int irVersion, Map<String, String> metadata) {
  /** Copies the maps. */
  public Model {
    opsets = Map.copyOf(opsets);
    metadata = Map.copyOf(metadata);
  }

  /** Version of ONNX's own operator set. */
  public int opset() {
    return opsets.getOrDefault("", 1);
  }

  /** The same model speaking ONNX Runtime's operators too. */
  public Model withMicrosoftOps() {
    Map<String, Integer> more = new TreeMap<>(opsets);
    more.putIfAbsent(OpId.MICROSOFT, 1);
    return new Model(graph, more, irVersion, metadata);
  }
}
