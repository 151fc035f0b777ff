package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LoraTest extends AdapterMethodContract {
  @Override
  LayerMethod method() {
    return new Lora();
  }

  /** What is added behind a Gemm must not be multiplied by its alpha. */
  @Test
  void aTransposedGemmWithAlphaTakesItsShareOfTheProduct() {
    Graph graph = new Graph("gemm");
    Tensor weight = Tensor.ofFloats("w", Shape.of(3, 2), 1, 2, 3, 4, 5, 6);
    Node layer =
        graph.addNode(
            OpId.onnx("Gemm"),
            "dense",
            List.of(
                graph.addInput("x", TensorType.of(DType.FLOAT, Dim.of("batch"), Dim.of(2))),
                graph.addConstant(weight)),
            List.of("y"),
            Map.of("transB", Attribute.of(1L), "alpha", Attribute.of(0.5f)));
    Tensor a = Tensor.ofFloats("a", Shape.of(2, 1), 1, -1);
    Tensor b = Tensor.ofFloats("b", Shape.of(1, 3), 10, 20, 30);
    MergeableMethod.Layer before =
        new MergeableMethod.Layer("dense", layer, new LayerWeights(weight, Optional.empty()));
    Tensor merged = new Lora().merge(before, List.of(a, b), Arena.ofAuto()).weight();
    // W[o, i] + A[i] * B[o] / alpha.
    assertThat(merged.floats()).containsExactly(21, -18, 43, -36, 65, -54);
    assertThat(merged.shape()).isEqualTo(weight.shape());
  }
}
