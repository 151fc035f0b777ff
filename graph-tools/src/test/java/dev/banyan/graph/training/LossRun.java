package dev.banyan.graph.training;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A loss alone, with the prediction as the one parameter. */
final class LossRun {
  private static final String PREDICTION = "prediction";

  private final float loss;
  private final float[] gradient;

  private LossRun(float loss, float[] gradient) {
    this.loss = loss;
    this.gradient = gradient;
  }

  /** The value. */
  float loss() {
    return loss;
  }

  /** Of the prediction, row by row. */
  float[] gradient() {
    return gradient;
  }

  /**
   * Builds the graph of a loss and its gradient and runs it.
   *
   * @param loss adds the inputs of the loss
   * @param fed the values of these inputs by name
   * @param folder where there is no graph yet
   */
  static LossRun of(
      Function<Graph, Loss> loss,
      int opset,
      Tensor prediction,
      Map<String, Tensor> fed,
      Path folder) {
    Graph graph = new Graph("loss");
    // The batch is the first axis of all, of which the others are told.
    Value input = graph.addInput(PREDICTION, TensorType.of(DType.FLOAT));
    Loss kind = loss.apply(graph);
    boolean embeddings =
        kind instanceof Loss.InBatchContrastive || kind instanceof Loss.CosineError;
    input.withType(new TensorType(DType.FLOAT, axes(prediction, embeddings)));
    Value value = kind.add(new Nodes(new GraphBuilder(graph, "loss"), opset), input);
    graph.rename(value, "loss");
    graph.setOutputs(List.of(value));
    Model model = new Model(graph, Map.of("", opset), IrVersion.of(opset), Map.of());
    GradientGraph gradients =
        TrainingGraphs.withGradients(
            new ForwardGraph(model, value, List.of(input)), TrainingChoice.of(Emission.PLAIN));
    Path file = folder.resolve("loss.onnx");
    try (ExternalDataWriter weights = new ExternalDataWriter(folder.resolve("loss.data"))) {
      new OnnxWriter(weights).write(gradients.model(), file);
    }
    try (InferenceSession session = InferenceSession.open(file, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = TrainingRun.feeds(scope, fed);
      feeds.putAll(TrainingRun.feeds(scope, Map.of(PREDICTION, prediction)));
      String gradient = PREDICTION + "_grad";
      try (OutputTensors out = session.run(feeds, List.of("loss", gradient))) {
        return new LossRun(out.scalar("loss"), out.floats(gradient));
      }
    }
  }

  /** As in training, where only the size of an embedding is fixed. */
  private static List<Dim> axes(Tensor prediction, boolean embeddings) {
    if (embeddings) {
      return List.of(Dim.of("batch"), Dim.of(prediction.shape().dim(-1)));
    }
    return prediction.shape().rank() == 2
        ? List.of(Dim.of("batch"), Dim.of("labels"))
        : List.of(Dim.of("batch"), Dim.of("sequence"), Dim.of("labels"));
  }
}
