package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.io.NodeNotes;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.io.Simplify;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.lowering.DropPast;
import dev.banyan.graph.lowering.Lower;
import dev.banyan.graph.lowering.LoweringRules;
import dev.banyan.graph.lowering.SpeakOpset;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.graph.types.TypeOf;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The simplified source model, with fused operators rewritten, out of which each graph of a bundle
 * starts afresh.
 */
final class SourceModel implements AutoCloseable {
  private final WorkFolder folder;
  private final OnnxFile simplified;
  private final OnnxFile notes;
  private final Map<String, TensorType> types = new HashMap<>();

  private SourceModel(WorkFolder folder, OnnxFile simplified, OnnxFile notes) {
    this.folder = folder;
    this.simplified = simplified;
    this.notes = notes;
  }

  /**
   * Lets ONNX Runtime fold constants and remove what is dead, and rewrites fused operators, into a
   * temporary folder.
   *
   * @throws dev.banyan.graph.GraphFailure.UnsupportedSetting if a fused operator has a setting that
   *     is not rewritten
   */
  static SourceModel simplify(OnnxFile source, LoweringRules rules) {
    SourceModel model = simplify(source);
    boolean done = false;
    try {
      SourceModel lowered = model.lowered(rules);
      done = true;
      return lowered;
    } finally {
      if (!done) {
        model.close();
      }
    }
  }

  /** Lets ONNX Runtime fold constants and remove what is dead, into a temporary folder. */
  static SourceModel simplify(OnnxFile source) {
    WorkFolder folder = WorkFolder.temporary("banyan-prepare-");
    boolean done = false;
    try {
      SourceModel model = new SourceModel(folder, Simplify.of(source, folder.path()), source);
      done = true;
      return model;
    } finally {
      if (!done) {
        folder.close();
      }
    }
  }

  /** The same without fused operators, without a past, and in an operator set to train in. */
  private SourceModel lowered(LoweringRules rules) {
    Model model = read();
    if (!DropPast.concerns(model.graph())
        && !Lower.concerns(model, rules)
        && model.opset() <= SpeakOpset.NEWEST) {
      return this;
    }
    DropPast.from(model.graph());
    EncoderPorts.nameAxes(model.graph());
    Model lowered = SpeakOpset.old(Lower.all(TypeOf.annotate(model), rules));
    Path file = folder.path().resolve("lowered.onnx");
    try (ExternalDataWriter weights =
        new ExternalDataWriter(folder.path().resolve("lowered.onnx.data"))) {
      new OnnxWriter(weights).write(lowered, file);
    }
    OnnxFile written = OnnxFile.read(file);
    return new SourceModel(folder, written, written);
  }

  private Model read() {
    Model model = OnnxReader.read(simplified);
    NodeNotes.carry(notes, model);
    return model;
  }

  /**
   * A base to rewrite, without what the pooling does not need: a layer that has no influence on it
   * cannot be trained. Its weights are views of the file.
   */
  BaseGraph base(Pooling pooling) {
    Model model = read();
    EncoderPorts.nameAxes(model.graph());
    InferenceMode.require(model.graph());
    annotate(model);
    EncoderPorts ports = EncoderPorts.of(model.graph());
    model.graph().setOutputs(ports.outputs(pooling));
    RemoveUnused.from(model.graph());
    return new BaseGraph(model);
  }

  /** The model as a decoder, whose fused operators are rewritten in each base. */
  DecoderSource decoder(LoweringRules rules) {
    return new DecoderSource(notes, simplified, rules);
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
