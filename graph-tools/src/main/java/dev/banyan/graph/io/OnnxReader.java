package dev.banyan.graph.io;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.OperatorSetIdProto;
import dev.banyan.artifacts.onnx.proto.StringStringEntryProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Turns an ONNX file into a graph. Initializers and {@code Constant} nodes become constants that
 * are views of the file, not copies.
 */
public final class OnnxReader {
  private final OnnxFile file;
  private final AttributeCodec attributes;
  private final Graph graph;

  private OnnxReader(OnnxFile file) {
    this.file = file;
    this.attributes = new AttributeCodec(file);
    this.graph = new Graph(file.model().getGraph().getName());
  }

  /**
   * Reads the model of a file.
   *
   * @throws UnusableModel if it has functions of its own, sparse weights, or inputs that are no
   *     tensors
   * @throws dev.banyan.artifacts.integrity.ArtifactException if a weight cannot be read
   */
  public static Model read(OnnxFile file) {
    ModelProto model = file.model();
    if (model.getFunctionsCount() > 0) {
      throw new UnusableModel(
          "%s has the model function '%s'; Banyan reads models whose functions are inlined: let the exporter or ONNX Runtime inline them"
              .formatted(file.path(), model.getFunctions(0).getName()));
    }
    Map<String, Integer> opsets = new TreeMap<>();
    for (OperatorSetIdProto opset : model.getOpsetImportList()) {
      String domain = new OpId(opset.getDomain(), "").domain();
      opsets.put(domain, Math.toIntExact(opset.getVersion()));
    }
    Graph graph = new OnnxReader(file).graph(model.getGraph());
    return new Model(
        graph, opsets, Math.toIntExact(model.getIrVersion()), map(model.getMetadataPropsList()));
  }

  private Graph graph(GraphProto proto) {
    if (proto.getSparseInitializerCount() > 0) {
      throw unusable("sparse weights", "dense ones");
    }
    proto.getInitializerList().forEach(tensor -> graph.addConstant(file.tensor(tensor)));
    for (ValueInfoProto input : proto.getInputList()) {
      // Before IR version 4 every initializer was listed as an input too.
      if (graph.find(input.getName()).isEmpty()) {
        graph.addInput(
            input.getName(),
            type(input)
                .orElseThrow(
                    () ->
                        unusable(
                            "the input '" + input.getName() + "' that is no tensor of known rank",
                            "tensors")));
      }
    }
    proto.getNodeList().forEach(this::node);
    for (ValueInfoProto output : proto.getOutputList()) {
      Value value = graph.value(output.getName());
      if (!value.isConstant()) {
        type(output).ifPresent(value::withType);
      }
      graph.addOutput(value);
    }
    checkDefined();
    return graph;
  }

  private void node(NodeProto proto) {
    OpId op = new OpId(proto.getDomain(), proto.getOpType());
    if (op.is("Constant")) {
      Optional<Tensor> tensor = attributes.constant(proto);
      if (tensor.isPresent()) {
        graph.addConstant(tensor.get());
        return;
      }
    }
    List<Value> inputs = new ArrayList<>();
    for (String input : proto.getInputList()) {
      inputs.add(input.isEmpty() ? Value.NONE : graph.declare(input));
    }
    Map<String, Attribute> settings = new TreeMap<>();
    proto
        .getAttributeList()
        .forEach(attribute -> settings.put(attribute.getName(), attributes.decode(attribute)));
    graph
        .addNode(op, proto.getName(), inputs, proto.getOutputList(), settings)
        .setMetadata(map(proto.getMetadataPropsList()));
  }

  /** A value that is used and never made shows a damaged file; better here than in a pass. */
  private void checkDefined() {
    Set<Value> inputs = new HashSet<>(graph.inputs());
    List<Value> used = new ArrayList<>(graph.outputs());
    graph.nodes().forEach(node -> used.addAll(node.inputs()));
    for (Value value : used) {
      if (!value.isNone()
          && !value.isConstant()
          && value.producer().isEmpty()
          && !inputs.contains(value)) {
        throw unusable("the value '" + value + "', which is used and never made", "a whole model");
      }
    }
  }

  private static Optional<TensorType> type(ValueInfoProto info) {
    return TypeCodec.decode(info.getType());
  }

  private static Map<String, String> map(List<StringStringEntryProto> entries) {
    Map<String, String> map = new TreeMap<>();
    entries.forEach(entry -> map.put(entry.getKey(), entry.getValue()));
    return map;
  }

  private UnusableModel unusable(String seen, String expected) {
    return new UnusableModel("%s has %s; Banyan needs %s".formatted(file.path(), seen, expected));
  }
}
