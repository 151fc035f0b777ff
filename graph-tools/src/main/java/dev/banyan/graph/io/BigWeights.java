package dev.banyan.graph.io;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.AttributeProto;
import dev.banyan.artifacts.onnx.proto.FunctionProto;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the weights that simplification leaves alone: big ones that every node reads together with
 * something that only a run knows. What a node makes of constants alone is folded, so the weights
 * of such nodes are not among them.
 */
final class BigWeights {
  /** From here on a tensor is a weight, and never a shape or a setting. */
  private static final long BIG = 1L << 20;

  private final OnnxFile file;
  private final GraphProto graph;
  private final Set<String> functions = new HashSet<>();
  private final Set<String> constants = new HashSet<>();
  private final Map<String, Tensor> big = new LinkedHashMap<>();

  private BigWeights(OnnxFile file) {
    this.file = file;
    this.graph = file.model().getGraph();
    for (FunctionProto function : file.model().getFunctionsList()) {
      functions.add(function.getName());
    }
  }

  /** The weights by name. */
  static Map<String, Tensor> of(OnnxFile file) {
    BigWeights weights = new BigWeights(file);
    return weights.hasExternalSettings() ? Map.of() : weights.find();
  }

  /** Tensors of nodes that lie in a data file are read by ONNX Runtime, from beside the model. */
  private boolean hasExternalSettings() {
    return graph.getNodeList().stream()
        .flatMap(node -> node.getAttributeList().stream())
        .anyMatch(setting -> setting.getT().getDataLocation() == TensorProto.DataLocation.EXTERNAL);
  }

  private Map<String, Tensor> find() {
    for (TensorProto tensor : graph.getInitializerList()) {
      constants.add(tensor.getName());
      if (isBig(tensor)) {
        big.put(tensor.getName(), file.tensor(tensor));
      }
    }
    graph.getOutputList().forEach(output -> big.remove(output.getName()));
    // Nodes are in topological order.
    graph.getNodeList().forEach(this::look);
    return big;
  }

  private static boolean isBig(TensorProto tensor) {
    Optional<DType> type = DType.ofOnnxCode(tensor.getDataType());
    double elements = 1;
    for (long dim : tensor.getDimsList()) {
      elements *= dim;
    }
    double bytes = elements * type.map(DType::bits).orElse(0) / Byte.SIZE;
    return bytes >= BIG && !tensor.hasSegment();
  }

  private void look(NodeProto node) {
    for (AttributeProto setting : node.getAttributeList()) {
      big.keySet().removeAll(Captures.of(setting));
    }
    Collection<String> inputs = node.getInputList();
    boolean folded =
        inputs.stream().allMatch(input -> input.isEmpty() || constants.contains(input));
    if (folded) {
      constants.addAll(node.getOutputList());
    }
    // Inside a function, a weight may meet constants alone.
    if (folded || functions.contains(node.getOpType())) {
      big.keySet().removeAll(inputs);
    }
  }
}
