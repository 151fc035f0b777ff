package dev.banyan.graph.autodiff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.text.GraphText;
import dev.banyan.graph.types.TypeOf;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rows of {@link GradientTable} hold the numbers; here is what they cannot show. */
class QuantizedGradientsTest {
  @TempDir Path folder;

  @Test
  void eightBitWeightIsMadeFloatAnewForTheBackwardPass() {
    Model model =
        differentiated(
            """
            w = DequantizeLinear(bytes, scale)
            y = MatMul(x, w)
            """);

    List<Node> dequantized =
        model.graph().nodes().stream().filter(n -> n.op().is("DequantizeLinear")).toList();
    assertThat(dequantized).hasSize(2);
    assertThat(dequantized.getLast().input(0).isConstant()).isFalse();
    // dX of sum(x W) is the sum of each row of W.
    assertThat(gradient(model)).containsExactly(1.5f, 3.5f, 1.5f, 3.5f);
  }

  @Test
  void weightOfThreeBitsIsRefusedByName() {
    assertThatThrownBy(
            () ->
                differentiated(
                    "[/a/dense] y = com.microsoft.MatMulNBits<bits = 3, K = 2, N = 2, block_size ="
                        + " 16>(x, packed, scales)"))
        .isInstanceOf(NotDifferentiable.class)
        .hasMessageContaining("'/a/dense' has bits = 3");
  }

  private static Model differentiated(String nodes) {
    Model model =
        GraphText.parse(
            """
            <ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>
            g (float[2, 2] x) => (loss)
            <int8[2, 2] bytes = {1, 2, 3, 4}, float[] scale = {0.5},
             uint8[2, 1, 6] packed = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, float[2] scales = {1.0, 1.0}>
            {
              %s
              loss = ReduceSum<keepdims = 0>(y)
            }
            """
                .formatted(nodes));
    if (nodes.contains("bits = 3")) {
      model.graph().value("y").withType(model.graph().value("x").knownType());
      model.graph().value("loss").withType(TensorType.of(DType.FLOAT));
    } else {
      TypeOf.annotate(model);
    }
    Value x = model.graph().value("x");
    Differentiate.of(model, model.graph().value("loss"), List.of(x), GradientRules.forOrt())
        .values()
        .forEach(model.graph()::addOutput);
    return model;
  }

  private float[] gradient(Model model) {
    Path file = TestRuns.write(model, folder.resolve("model.onnx"));
    try (InferenceSession session = InferenceSession.open(file, SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out =
            session.run(
                Map.of("x", scope.floats(new float[] {1, 2, 3, 4}, 2, 2)), List.of("x_grad"))) {
      return out.floats("x_grad");
    }
  }
}
