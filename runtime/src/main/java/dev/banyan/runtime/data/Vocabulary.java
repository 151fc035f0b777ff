package dev.banyan.runtime.data;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;

/** How many tokens a model knows, so that a tokenizer of another model is found before it runs. */
public final class Vocabulary {
  private Vocabulary() {}

  /**
   * Rows of the table that {@code input_ids} look up; empty if the graph looks them up in a way
   * that is not known.
   */
  public static OptionalLong rows(OnnxFile model) {
    GraphProto graph = model.model().getGraph();
    Set<String> ids = new HashSet<>(Set.of("input_ids"));
    // Nodes are in topological order, so one pass sees a cast before what it feeds.
    for (NodeProto node : graph.getNodeList()) {
      if (isCopy(node) && ids.contains(node.getInput(0))) {
        ids.add(node.getOutput(0));
      } else if (isLookUp(node) && ids.contains(node.getInput(1))) {
        return graph.getInitializerList().stream()
            .filter(table -> table.getName().equals(node.getInput(0)))
            .mapToLong(Vocabulary::rows)
            .findFirst();
      }
    }
    return OptionalLong.empty();
  }

  /** In floats or in few bits. */
  private static boolean isLookUp(NodeProto node) {
    return node.getOpType().equals("Gather") || node.getOpType().equals("GatherBlockQuantized");
  }

  private static boolean isCopy(NodeProto node) {
    return switch (node.getOpType()) {
      // Where learned tokens stand before a text, its own are picked out into later columns.
      case "Cast", "Identity", "Reshape", "Gather", "GatherElements" -> true;
      default -> false;
    };
  }

  private static long rows(TensorProto table) {
    return table.getDims(0);
  }
}
