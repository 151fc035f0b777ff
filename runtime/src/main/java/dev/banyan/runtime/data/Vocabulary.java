package dev.banyan.runtime.data;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
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
        return rows(graph, node.getInput(0));
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

  /** A table that adapters hold themselves is an input of the graph. */
  private static OptionalLong rows(GraphProto graph, String table) {
    OptionalLong constant =
        graph.getInitializerList().stream()
            .filter(tensor -> tensor.getName().equals(table))
            .mapToLong(tensor -> tensor.getDims(0))
            .findFirst();
    return constant.isPresent()
        ? constant
        : graph.getInputList().stream()
            .filter(input -> input.getName().equals(table))
            .map(input -> input.getType().getTensorType().getShape())
            .filter(shape -> shape.getDimCount() > 0 && shape.getDim(0).getDimValue() > 0)
            .mapToLong(shape -> shape.getDim(0).getDimValue())
            .findFirst();
  }
}
