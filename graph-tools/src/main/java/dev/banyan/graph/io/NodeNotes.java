package dev.banyan.graph.io;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.StringStringEntryProto;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.ConstantCalls;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What an exporter says about a model's nodes beside their names: their order, and the modules that
 * they come from. ONNX Runtime's simplification keeps the names of values and loses both.
 */
public final class NodeNotes {
  private NodeNotes() {}

  /**
   * Gives the nodes of a simplified model the order and the notes that the original has. A node is
   * known by the name of a value that it makes; nodes that the original lacks go last where the
   * flow of values allows it.
   */
  public static void carry(OnnxFile original, Model simplified) {
    List<NodeProto> nodes = original.model().getGraph().getNodeList();
    Map<String, Integer> places = new HashMap<>();
    for (int place = 0; place < nodes.size(); place++) {
      for (String output : nodes.get(place).getOutputList()) {
        places.put(output, place);
      }
    }
    for (Node node : simplified.graph().nodes()) {
      int place = place(node, places);
      if (place < nodes.size() && node.metadata().isEmpty()) {
        node.setMetadata(notes(nodes.get(place)));
      }
    }
    simplified.graph().sortBy(node -> place(node, places));
    ConstantCalls.note(OnnxReader.read(original).graph(), simplified.graph());
  }

  private static int place(Node node, Map<String, Integer> places) {
    return node.outputs().stream()
        .filter(output -> !output.isNone())
        .map(Value::name)
        .mapToInt(name -> places.getOrDefault(name, Integer.MAX_VALUE))
        .min()
        .orElse(Integer.MAX_VALUE);
  }

  private static Map<String, String> notes(NodeProto node) {
    Map<String, String> notes = new HashMap<>();
    for (StringStringEntryProto entry : node.getMetadataPropsList()) {
      notes.put(entry.getKey(), entry.getValue());
    }
    return notes;
  }
}
