package dev.banyan.graph.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is dropped differs from run to run, so that a slope tells nothing: the gradient is compared
 * within one run. That of {@code sum(y y)} is 2 y, and y is 4 x where x was kept: a quarter is.
 */
class DropoutGradientTest {
  private static final Shape SHAPE = Shape.of(64);

  /** The gradient is one product and one division of what it is compared with. */
  private static final Offset<Float> ROUNDING = Offset.offset(1e-5f);

  @TempDir Path folder;

  private final Graph graph = new Graph("dropout");
  private final Value x = graph.addInput("x", TensorType.of(DType.FLOAT, SHAPE));

  @Test
  void keptElementsAreScaledAndDroppedOnesHaveNoGradient() {
    Map<String, float[]> run = run(graph.addConstant(flag("always", true)), Map.of());

    assertDropped(run);
  }

  @Test
  void flagThatIsFedDecidesInTheRun() {
    Value flag = graph.addInput("flag", TensorType.of(DType.BOOL, Shape.SCALAR));

    assertDropped(run(flag, Map.of("flag", flag("flag", true))));
  }

  @Test
  void nothingIsScaledWhileTheFlagIsFalse() {
    Value flag = graph.addInput("flag", TensorType.of(DType.BOOL, Shape.SCALAR));
    Map<String, float[]> run = run(flag, Map.of("flag", flag("flag", false)));

    assertThat(run.get("y")).isEqualTo(start());
    assertThat(run.get("x_grad")).containsExactly(times(start(), 2), ROUNDING);
  }

  private static void assertDropped(Map<String, float[]> run) {
    float[] y = run.getOrDefault("y", new float[0]);
    assertThat(y).contains(0f);
    assertThat(run.get("x_grad")).containsExactly(times(y, 2 * 4), ROUNDING);
  }

  private Map<String, float[]> run(Value flag, Map<String, Tensor> more) {
    Value ratio = graph.addConstant(Tensor.ofFloats("ratio", Shape.SCALAR, 0.75f));
    List<Value> inputs = List.of(x, ratio, flag);
    Value y =
        graph
            .addNode(OpId.onnx("Dropout"), "/layer/Dropout", inputs, List.of("y"), Map.of())
            .output();
    GraphBuilder b = new GraphBuilder(graph, "loss");
    Value loss = b.op("ReduceSum", Map.of("keepdims", Attribute.of(0L)), b.op("Mul", y, y));
    graph.addOutput(y);
    graph.addOutput(loss);
    Model model = new Model(graph, Map.of("", 17), 8, Map.of());
    TestRuns.annotate(model, folder);
    Differentiate.of(model, loss, List.of(x), GradientRules.plainOnnx())
        .values()
        .forEach(graph::addOutput);
    Path file = TestRuns.write(model, folder.resolve("model.onnx"));
    try (TensorScope scope = new TensorScope();
        InferenceSession session = InferenceSession.open(file, SessionSettings.defaults())) {
      Map<String, NativeTensor> feeds = new LinkedHashMap<>();
      feeds.put("x", TestRuns.feed(scope, Tensor.ofFloats("x", SHAPE, start())));
      more.forEach((name, tensor) -> feeds.put(name, TestRuns.feed(scope, tensor)));
      try (OutputTensors outputs = session.run(feeds, List.of("y", "x_grad"))) {
        return Map.of("y", outputs.floats("y"), "x_grad", outputs.floats("x_grad"));
      }
    }
  }

  private static float[] start() {
    float[] values = new float[64];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.1f * (i + 1);
    }
    return values;
  }

  private static float[] times(float[] values, float factor) {
    float[] result = values.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] *= factor;
    }
    return result;
  }

  private static Tensor flag(String name, boolean value) {
    byte[] bytes = {(byte) (value ? 1 : 0)};
    return new Tensor(name, DType.BOOL, Shape.SCALAR, MemorySegment.ofArray(bytes));
  }
}
