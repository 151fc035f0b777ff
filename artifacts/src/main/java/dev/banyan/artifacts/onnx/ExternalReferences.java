package dev.banyan.artifacts.onnx;

import dev.banyan.artifacts.onnx.proto.AttributeProto;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.SparseTensorProto;
import dev.banyan.artifacts.onnx.proto.StringStringEntryProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Collects the names of the data files that a model points to, in every place that holds a tensor.
 */
final class ExternalReferences {
  private final SortedSet<String> files = new TreeSet<>();

  private ExternalReferences() {}

  static SortedSet<String> of(ModelProto model) {
    ExternalReferences references = new ExternalReferences();
    references.graph(model.getGraph());
    model.getFunctionsList().forEach(function -> references.nodes(function.getNodeList()));
    return references.files;
  }

  private void graph(GraphProto graph) {
    graph.getInitializerList().forEach(this::tensor);
    graph.getSparseInitializerList().forEach(this::sparse);
    nodes(graph.getNodeList());
  }

  private void nodes(Collection<NodeProto> nodes) {
    nodes.forEach(node -> node.getAttributeList().forEach(this::attribute));
  }

  private void attribute(AttributeProto attribute) {
    tensor(attribute.getT());
    attribute.getTensorsList().forEach(this::tensor);
    sparse(attribute.getSparseTensor());
    attribute.getSparseTensorsList().forEach(this::sparse);
    if (attribute.hasG()) {
      graph(attribute.getG());
    }
    attribute.getGraphsList().forEach(this::graph);
  }

  private void sparse(SparseTensorProto sparse) {
    List.of(sparse.getValues(), sparse.getIndices()).forEach(this::tensor);
  }

  private void tensor(TensorProto tensor) {
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      if (entry.getKey().equals("location")) {
        files.add(entry.getValue());
      }
    }
  }
}
