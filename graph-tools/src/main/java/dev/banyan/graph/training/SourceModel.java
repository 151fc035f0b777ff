package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.io.NodeNotes;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.graph.types.TypeOf;
import dev.banyan.runtime.ort.ModelProbe;
import dev.banyan.runtime.ort.SimplifySettings;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The simplified source model, out of which each graph of a bundle starts afresh. */
final class SourceModel implements AutoCloseable {
  private final OnnxFile original;
  private final WorkFolder folder;
  private final OnnxFile simplified;
  private final Map<String, TensorType> types = new HashMap<>();

  private SourceModel(OnnxFile original, WorkFolder folder, OnnxFile simplified) {
    this.original = original;
    this.folder = folder;
    this.simplified = simplified;
  }

  /** Lets ONNX Runtime fold constants and remove what is dead, into a temporary folder. */
  static SourceModel simplify(OnnxFile source) {
    WorkFolder folder = WorkFolder.temporary("banyan-prepare-");
    Path file = folder.path().resolve("simplified.onnx");
    boolean done = false;
    try {
      ModelProbe.simplify(source.path(), file, SimplifySettings.defaults());
      SourceModel model = new SourceModel(source, folder, OnnxFile.read(file));
      done = true;
      return model;
    } finally {
      if (!done) {
        folder.close();
      }
    }
  }

  /**
   * A base to rewrite, without what the pooling does not need: a layer that has no influence on it
   * cannot be trained. Its weights are views of the file.
   */
  BaseGraph base(Pooling pooling) {
    Model model = OnnxReader.read(simplified);
    NodeNotes.carry(original, model);
    EncoderPorts.nameAxes(model.graph());
    annotate(model);
    EncoderPorts ports = EncoderPorts.of(model.graph());
    model.graph().setOutputs(ports.outputs(pooling));
    RemoveUnused.from(model.graph());
    return new BaseGraph(model);
  }

  /** Each base has the same values, so what was observed once holds for all. */
  private void annotate(Model model) {
    if (types.isEmpty()) {
      TypeOf.annotate(model);
      values(model).forEach(value -> types.put(value.name(), value.knownType()));
    } else {
      values(model)
          .forEach(value -> value.withType(Objects.requireNonNull(types.get(value.name()))));
    }
  }

  private static Stream<Value> values(Model model) {
    return model.graph().nodes().stream()
        .flatMap(node -> node.outputs().stream())
        .filter(value -> !value.isNone());
  }

  @Override
  public void close() {
    folder.close();
  }
}
