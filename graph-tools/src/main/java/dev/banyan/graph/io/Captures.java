package dev.banyan.graph.io;

import dev.banyan.artifacts.onnx.proto.AttributeProto;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import java.util.HashSet;
import java.util.Set;

/** Finds the outer values that an attribute's subgraphs read. */
final class Captures {
  private Captures() {}

  static Set<String> of(AttributeProto attribute) {
    Set<String> names = new HashSet<>();
    if (attribute.hasG()) {
      names.addAll(of(attribute.getG()));
    }
    attribute.getGraphsList().forEach(graph -> names.addAll(of(graph)));
    return names;
  }

  private static Set<String> of(GraphProto graph) {
    Set<String> own = new HashSet<>();
    Set<String> read = new HashSet<>();
    graph.getInputList().forEach(input -> own.add(input.getName()));
    graph.getInitializerList().forEach(tensor -> own.add(tensor.getName()));
    for (NodeProto node : graph.getNodeList()) {
      own.addAll(node.getOutputList());
      read.addAll(node.getInputList());
      node.getAttributeList().forEach(attribute -> read.addAll(of(attribute)));
    }
    graph.getOutputList().forEach(output -> read.add(output.getName()));
    read.removeAll(own);
    read.remove("");
    return read;
  }
}
