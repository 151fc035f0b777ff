package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.ort.ModelProbe;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Brings small graphs to ONNX Runtime. */
final class TestRuns {
  private TestRuns() {}

  /**
   * Asks ONNX Runtime what it can tell about every value without running the graph: less than
   * {@code TypeOf} finds out, so that rules are tried with dimensions of which nothing is known.
   */
  static void annotate(Model model, Path folder) {
    Graph graph = model.graph();
    List<Value> outputs = List.copyOf(graph.outputs());
    List<Value> all = new ArrayList<>();
    graph.nodes().forEach(node -> all.addAll(node.outputs()));
    graph.setOutputs(all);
    for (TensorPort port : ModelProbe.outputTypes(write(model, folder.resolve("untyped.onnx")))) {
      List<Dim> dims = new ArrayList<>();
      for (int axis = 0; axis < port.dims().size(); axis++) {
        dims.add(dim(port.dims().get(axis), port.symbols().get(axis)));
      }
      graph.value(port.name()).withType(new TensorType(port.type(), dims));
    }
    graph.setOutputs(outputs);
  }

  private static Dim dim(long size, String name) {
    if (size >= 0) {
      return Dim.of(size);
    }
    return name.isEmpty() ? new Dim.Unknown() : Dim.of(name);
  }

  /** Writes a model with its big constants beside it. */
  static Path write(Model model, Path file) {
    try (var weights = new ExternalDataWriter(file.resolveSibling(file.getFileName() + ".data"))) {
      new OnnxWriter(weights).write(model, file);
    }
    return file;
  }

  /** A copy of a tensor that can be fed. */
  static NativeTensor feed(TensorScope scope, Tensor tensor) {
    long bytes = tensor.data().byteSize();
    MemorySegment copy = Arena.ofAuto().allocate(bytes, 8);
    copy.copyFrom(tensor.data());
    return scope.view(copy, tensor.type(), tensor.shape());
  }
}
