package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.autodiff.RecordedModel.Place;
import dev.banyan.graph.io.NodeNotes;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.graph.types.TypeOf;
import dev.banyan.runtime.ort.ModelProbe;
import dev.banyan.runtime.ort.SimplifySettings;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A recorded model whose weights are inputs, simplified by ONNX Runtime as {@code prepare} does it.
 * Graphs to differentiate are read from it.
 */
final class TrainableModel {
  /** Input that the loss is measured against. */
  static final String TARGET = "target";

  private static final long IGNORED = -100;

  private final RecordedModel recorded;
  private final OnnxFile original;
  private final OnnxFile simplified;
  private final Map<String, Tensor> weights = new LinkedHashMap<>();
  private final Map<String, TensorType> types = new HashMap<>();

  /**
   * Turns the weights into inputs and simplifies.
   *
   * @param folder where the files of the steps go
   */
  TrainableModel(RecordedModel recorded, Path folder) {
    this.recorded = recorded;
    this.original = OnnxFile.read(recorded.file());
    Path lifted = TestRuns.write(lifted(), folder.resolve("lifted.onnx"));
    Path file = folder.resolve("simplified.onnx");
    ModelProbe.simplify(lifted, file, SimplifySettings.defaults());
    this.simplified = OnnxFile.read(file);
    Model model = TypeOf.annotate(OnnxReader.read(simplified));
    made(model.graph()).forEach(value -> types.put(value.name(), value.knownType()));
  }

  /** The weights by the names of their inputs. */
  Map<String, Tensor> weights() {
    return weights;
  }

  /**
   * A graph of the model for one use, with types.
   *
   * @param model its only output is the loss
   */
  record WithLoss(Model model, Value loss) {}

  /** Reads the model and adds the loss that was recorded. */
  WithLoss withLoss() {
    Model model = OnnxReader.read(simplified);
    NodeNotes.carry(original, model);
    Graph graph = model.graph();
    made(graph).forEach(value -> value.withType(Objects.requireNonNull(types.get(value.name()))));
    Value loss = addLoss(graph);
    graph.setOutputs(List.of(loss));
    return new WithLoss(model.withMicrosoftOps(), loss);
  }

  private static List<Value> made(Graph graph) {
    return graph.nodes().stream()
        .flatMap(node -> node.outputs().stream())
        .filter(value -> !value.isNone())
        .toList();
  }

  private Model lifted() {
    Model model = OnnxReader.read(original);
    Graph graph = model.graph();
    for (String name : recorded.differentiated()) {
      for (Place place : recorded.places(name)) {
        Value value = graph.value(place.initializer());
        value.constant().ifPresent(tensor -> lift(graph, value, tensor));
      }
    }
    graph.setOutputs(List.of(graph.value(recorded.output())));
    RemoveUnused.from(graph);
    return model;
  }

  private void lift(Graph graph, Value constant, Tensor tensor) {
    String name = constant.name();
    weights.put(name, tensor);
    graph.rename(constant, graph.freshName("frozen/" + name));
    graph.replaceUses(constant, graph.addInput(name, constant.knownType()));
    graph.removeUnused(constant);
  }

  /** Cross entropy of token scores, or the mean of the output times fixed numbers. */
  private Value addLoss(Graph graph) {
    Value output = graph.outputs().getFirst();
    List<Dim> dims = output.knownType().dims();
    if (recorded.target().type() == DType.INT64) {
      Value labels = graph.addInput(TARGET, TensorType.of(DType.INT64, dims.get(0), dims.get(1)));
      Value scores =
          add(graph, "Transpose", Map.of("perm", Attribute.ints(0, 2, 1)), output)
              .withType(TensorType.of(DType.FLOAT, dims.get(0), dims.get(2), dims.get(1)));
      Map<String, Attribute> ignored = Map.of("ignore_index", Attribute.of(IGNORED));
      return add(graph, "SoftmaxCrossEntropyLoss", ignored, scores, labels);
    }
    Value projection = graph.addInput(TARGET, output.knownType());
    Value product = add(graph, "Mul", Map.of(), output, projection).withType(output.knownType());
    return add(graph, "ReduceMean", Map.of("keepdims", Attribute.of(0L)), product);
  }

  /** Adds a node; what it gives is a scalar until it gets another type. */
  private static Value add(
      Graph graph, String op, Map<String, Attribute> attributes, Value... inputs) {
    String name = graph.freshName("loss/" + op);
    return graph
        .addNode(OpId.onnx(op), name, List.of(inputs), List.of(name), attributes)
        .output()
        .withType(TensorType.of(DType.FLOAT));
  }
}
