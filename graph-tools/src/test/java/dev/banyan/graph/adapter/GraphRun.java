package dev.banyan.graph.adapter;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.training.TrainingRun;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs a graph as it is now. */
final class GraphRun {
  private GraphRun() {}

  /**
   * All outputs in their order.
   *
   * @param file where the model is written, over what is there
   */
  static Map<String, float[]> of(Model model, Path file, Map<String, Tensor> feeds) {
    try (var weights = new ExternalDataWriter(file.resolveSibling(file.getFileName() + ".data"))) {
      new OnnxWriter(weights).write(model, file);
    }
    try (InferenceSession session = InferenceSession.open(file, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      List<String> names = session.outputs().stream().map(port -> port.name()).toList();
      Map<String, float[]> outputs = new LinkedHashMap<>();
      try (OutputTensors out = session.run(TrainingRun.feeds(scope, feeds), names)) {
        names.forEach(name -> outputs.put(name, out.floats(name)));
      }
      return outputs;
    }
  }
}
