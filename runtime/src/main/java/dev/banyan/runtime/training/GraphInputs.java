package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.TensorShapeProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a training graph takes, to feed it no more than it has.
 *
 * @param task what the bundle learns
 * @param dims of each input by name, in the graph's order; 0 where a size is open
 */
record GraphInputs(Task task, Map<String, List<Long>> dims) {
  /** Those of a bundle's training graph. */
  static GraphInputs of(Task task, OnnxFile graph) {
    Map<String, List<Long>> dims = new LinkedHashMap<>();
    for (ValueInfoProto input : graph.model().getGraph().getInputList()) {
      dims.put(
          input.getName(),
          input.getType().getTensorType().getShape().getDimList().stream()
              .map(TensorShapeProto.Dimension::getDimValue)
              .toList());
    }
    return new GraphInputs(task, dims);
  }

  /** Whether there is an input of this name. */
  boolean has(String name) {
    return dims.containsKey(name);
  }
}
