package dev.banyan.graph.types;

import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.SessionSettings.Optimization;
import dev.banyan.runtime.ort.TensorPort;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the type of every value of a graph by letting ONNX Runtime run it twice, on inputs of zeros
 * (ones for an attention mask), with other sizes for the inputs' free axes each time.
 *
 * <p>An axis that has one size in both runs has a fixed size. Axes that have the same pair of sizes
 * have the same name: the one of the input's axis they follow, where there is one. So two axes with
 * one name are known to have one size, which inference from the model's text cannot tell: it loses
 * the names at the first slice, and the number of axes at the first computed reshape.
 *
 * <p>Big weights are zeros in these runs, so that their number costs neither disk nor memory.
 */
public final class TypeOf {
  private TypeOf() {}

  /**
   * Gives every value of the model's graph its type.
   *
   * @return the same model
   * @throws dev.banyan.runtime.ort.OrtFailure if ONNX Runtime does not load or run the model
   */
  public static Model annotate(Model model) {
    Graph graph = model.graph();
    List<Value> outputs = List.copyOf(graph.outputs());
    List<Value> made = new ArrayList<>();
    for (var node : graph.nodes()) {
      node.outputs().stream().filter(output -> !output.isNone()).forEach(made::add);
    }
    try (WorkFolder folder = WorkFolder.temporary("banyan-types-")) {
      graph.setOutputs(made);
      probe(model, folder.path());
    } finally {
      graph.setOutputs(outputs);
    }
    return model;
  }

  private static void probe(Model model, Path folder) {
    Graph graph = model.graph();
    graph.sort();
    Path file = folder.resolve("probe.onnx");
    try (ExternalDataWriter weights = new ExternalDataWriter(folder.resolve("probe.data"))) {
      ZeroWeights zeros = new ZeroWeights(folder.resolve("zeros.data"), OnnxWriter.beside(weights));
      new OnnxWriter(zeros).write(model, file);
      zeros.finish();
    }
    SessionSettings settings =
        SessionSettings.defaults().withOptimization(Optimization.NONE).withoutPrepacking();
    try (InferenceSession session = InferenceSession.open(file, settings)) {
      ObservedShapes shapes = ObservedShapes.of(session);
      for (TensorPort port : session.outputs()) {
        List<Dim> dims = shapes.dims(port.name());
        graph.value(port.name()).withType(new TensorType(port.type(), dims));
      }
    }
  }
}
