package dev.banyan.runtime.ort;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.TensorInfo;
import dev.banyan.artifacts.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * An input or output of a loaded graph.
 *
 * @param name the value's name
 * @param type element type
 * @param dims one entry per axis; -1 where the size is not fixed
 * @param symbols one entry per axis: the axis's name in the model, empty where it has none
 */
public record TensorPort(String name, DType type, List<Long> dims, List<String> symbols) {
  /**
   * Copies the lists.
   *
   * @throws IllegalArgumentException if they differ in length
   */
  public TensorPort {
    dims = List.copyOf(dims);
    symbols = List.copyOf(symbols);
    if (dims.size() != symbols.size()) {
      throw new IllegalArgumentException(name + ": " + dims + " does not fit " + symbols);
    }
  }

  /**
   * The tensors among these; sequences, maps and element types Banyan has no name for are left out.
   */
  static List<TensorPort> of(Map<String, NodeInfo> infos) {
    List<TensorPort> ports = new ArrayList<>(infos.size());
    for (NodeInfo info : infos.values()) {
      if (info.getInfo() instanceof TensorInfo tensor) {
        ElementType.of(tensor.onnxType)
            .ifPresent(
                type ->
                    ports.add(
                        new TensorPort(
                            info.getName(),
                            type,
                            Arrays.stream(tensor.getShape()).boxed().toList(),
                            Arrays.asList(tensor.getDimensionNames()))));
      }
    }
    return List.copyOf(ports);
  }
}
