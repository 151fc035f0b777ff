package dev.banyan.graph.autodiff;

import static java.util.Objects.requireNonNull;

import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.autodiff.RecordedModel.Place;
import dev.banyan.graph.autodiff.TrainableModel.WithLoss;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The gradients of all recorded weights of a model, down to the lowest. */
final class DifferentiatedModel {
  private final RecordedModel recorded;
  private final TrainableModel trainable;
  private final WithLoss graph;
  private final Map<Value, Value> gradients;

  /** Differentiates with one table of rules. */
  DifferentiatedModel(RecordedModel recorded, TrainableModel trainable, GradientRules rules) {
    this.recorded = recorded;
    this.trainable = trainable;
    this.graph = trainable.withLoss();
    Graph nodes = graph.model().graph();
    List<Value> wrt = new ArrayList<>();
    for (String name : recorded.differentiated()) {
      recorded.places(name).forEach(place -> wrt.add(nodes.value(place.initializer())));
    }
    this.gradients = Differentiate.of(graph.model(), graph.loss(), wrt, rules);
    gradients.values().forEach(nodes::addOutput);
    RemoveUnused.from(nodes);
  }

  /**
   * What a run gave.
   *
   * @param gradients by the weight's name in PyTorch, in PyTorch's orientation
   */
  record Result(float loss, Map<String, float[]> gradients) {}

  /**
   * Runs the graph on the recorded batch.
   *
   * @param file where the graph is written
   */
  Result run(Path file) {
    TestRuns.write(graph.model(), file);
    try (InferenceSession session =
            InferenceSession.open(file, SessionSettings.defaults().withThreads(1));
        TensorScope scope = new TensorScope()) {
      Map<String, Tensor> batch = new LinkedHashMap<>(trainable.weights());
      batch.putAll(recorded.inputs());
      batch.put(TrainableModel.TARGET, recorded.target());
      Map<String, NativeTensor> feeds = new LinkedHashMap<>();
      batch.forEach((name, tensor) -> feeds.put(name, TestRuns.feed(scope, tensor)));
      List<String> outputs = graph.model().graph().outputs().stream().map(Value::name).toList();
      try (OutputTensors out = session.run(feeds, outputs)) {
        Map<String, float[]> seen = new LinkedHashMap<>();
        recorded.differentiated().forEach(name -> seen.put(name, gradient(out, name)));
        return new Result(out.scalar(graph.loss().name()), seen);
      }
    }
  }

  /** A tied weight has the sum of the gradients of its places. */
  private float[] gradient(OutputTensors out, String name) {
    float[] sum = new float[0];
    for (Place place : recorded.places(name)) {
      Value weight = graph.model().graph().value(place.initializer());
      String output = requireNonNull(gradients.get(weight)).name();
      Tensor seen = Tensor.ofFloats(name, out.shape(output), out.floats(output));
      float[] part = (place.transposed() ? seen.transposed() : seen).floats();
      for (int i = 0; i < sum.length; i++) {
        part[i] += sum[i];
      }
      sum = part;
    }
    return sum;
  }
}
