package dev.banyan.graph.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.GoldenFile;
import dev.banyan.graph.adapter.InsertAdapters;
import dev.banyan.graph.adapter.Lora;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.text.GraphText;
import dev.banyan.graph.types.TypeOf;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** All nodes of one adapted layer's training graph, {@code x W + ((x A) scaling) B}, to be read. */
class LoraGradientGoldenTest {
  private static final String LAYER =
      """
      <ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>
      layer (float[batch, sequence, 3] x) => (float[batch, sequence, 2] y)
      <float[3, 2] W = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}>
      {
        [/layer/MatMul] y = MatMul(x, W)
      }
      """;

  private final Model model = GraphText.parse(LAYER);
  private final Graph graph = model.graph();

  @BeforeEach
  void differentiateTheMeanOfAnAdaptedLayer() {
    Value scaling = graph.addInput("scaling", TensorType.of(DType.FLOAT));
    List<Value> parameters =
        new InsertAdapters(graph, new Lora()).forTraining(SiteDiscovery.of(model), scaling);
    Value loss =
        new GraphBuilder(graph, "loss")
            .op("ReduceMean", Map.of("keepdims", Attribute.of(0L)), graph.value("y"));
    graph.rename(loss, "loss");
    graph.setOutputs(List.of(loss));
    TypeOf.annotate(model);
    Map<Value, Value> gradients = Differentiate.of(model, loss, parameters, GradientRules.forOrt());
    List<Value> outputs = new ArrayList<>(List.of(loss));
    outputs.addAll(gradients.values());
    graph.setOutputs(outputs);
  }

  @Test
  void gradientGraphIsWhatItWas() throws IOException {
    GoldenFile.assertSame("lora-layer-gradient", GraphText.print(model));
  }

  /** Without a pass that cleans up: what is not needed must not be made. */
  @Test
  void everyNodeAndConstantIsNeeded() {
    assertThat(graph.nodes()).allMatch(node -> node.outputs().stream().anyMatch(this::isNeeded));
    assertThat(graph.constants()).allMatch(this::isNeeded);
  }

  private boolean isNeeded(Value value) {
    return !value.users().isEmpty() || graph.outputs().contains(value);
  }

  /**
   * The frozen weight gets no gradient, and no axis was broadcast: so there is nothing to copy,
   * reorder, reshape or sum. The rows of all batches are seen as one matrix by Flatten, a view.
   */
  @Test
  void nothingIsCopiedReorderedOrSummed() {
    assertThat(graph.nodes())
        .extracting(Node::op)
        .isNotEmpty()
        .noneMatch(op -> op.is("Identity") || op.is("Transpose"))
        .noneMatch(op -> op.is("Reshape") || op.is("ReduceSum"));
    assertThat(graph.find("W_grad")).isEmpty();
  }
}
