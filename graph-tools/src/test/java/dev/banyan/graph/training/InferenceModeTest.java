package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class InferenceModeTest {
  private final Graph graph = new Graph("base");
  private final Value x = graph.addInput("x", TensorType.of(DType.FLOAT, Shape.of(2, 3)));

  @Test
  void dropoutThatDropsIsRefused() {
    node("Dropout", List.of(x, Value.NONE, flag(1)), Map.of());

    assertThatThrownBy(() -> InferenceMode.require(graph))
        .isInstanceOf(UnusableModel.class)
        .hasMessageContaining("/layer/Dropout")
        .hasMessageContaining("model.eval()");
  }

  @Test
  void normalizationOverTheBatchIsRefused() {
    node("BatchNormalization", List.of(x, x, x, x, x), Map.of("training_mode", Attribute.of(1L)));

    assertThatThrownBy(() -> InferenceMode.require(graph)).hasMessageContaining("training mode");
  }

  @Test
  void bothAreFineForInference() {
    node("Dropout", List.of(x, Value.NONE, flag(0)), Map.of());
    node("BatchNormalization", List.of(x, x, x, x, x), Map.of());

    assertThatCode(() -> InferenceMode.require(graph)).doesNotThrowAnyException();
  }

  private Value flag(int value) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[] {(byte) value});
    return graph.addConstant(new Tensor("training", DType.BOOL, Shape.SCALAR, bytes));
  }

  private void node(String op, List<Value> inputs, Map<String, Attribute> attributes) {
    graph.addNode(OpId.onnx(op), "/layer/" + op, inputs, List.of(op + "_out"), attributes);
  }
}
