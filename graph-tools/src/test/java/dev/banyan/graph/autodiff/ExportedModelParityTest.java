package dev.banyan.graph.autodiff;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ParityErrors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The gradients of all weights of real exports, at least one model of each family through each
 * exporter, against PyTorch's.
 */
class ExportedModelParityTest {
  /** Gradients in float32 differ in the last digits with the order of summation. */
  private static final double GRADIENT_TOLERANCE = 1e-4;

  private static final double LOSS_TOLERANCE = 1e-5;

  private static final Map<String, GradientRules> TABLES =
      Map.of("plain ONNX", GradientRules.plainOnnx(), "ONNX Runtime", GradientRules.forOrt());

  /** What cannot be trained down to its lowest weight yet, and what is said about it. */
  private static final Map<String, String> REFUSED =
      Map.ofEntries(
          Map.entry(
              "convnext_dynamo18",
              "No gradient rule for operator Conv (node 'node_conv2d_8', module convnext.encoder.stages.3.layers.0.dwconv), which lies between an adapter and the loss"),
          Map.entry(
              "convnext_opset16",
              "No gradient rule for operator Conv (node '/convnext/encoder/stages.3/layers.0/dwconv/Conv', module convnext.encoder.stages.3.layers.0.dwconv), which lies between an adapter and the loss"),
          Map.entry(
              "resnet_dynamo20",
              "No gradient rule for operator Conv (node 'node_Conv_330', module resnet.encoder.stages.3.layers.1.layer.1.normalization), which lies between an adapter and the loss"),
          Map.entry(
              "resnet_opset14",
              "No gradient rule for operator GlobalAveragePool (node '/resnet/pooler/GlobalAveragePool', module resnet.pooler), which lies between an adapter and the loss"),
          Map.entry(
              "resnet_opset17",
              "No gradient rule for operator GlobalAveragePool (node '/resnet/pooler/GlobalAveragePool', module resnet.pooler), which lies between an adapter and the loss"),
          Map.entry(
              "vit_dynamo18",
              "No gradient rule for operator Conv (node 'node_conv2d', module embeddings.patch_embeddings.projection), which lies between an adapter and the loss"),
          Map.entry(
              "vit_opset14",
              "No gradient rule for operator Conv (node '/embeddings/patch_embeddings/projection/Conv', module embeddings.patch_embeddings.projection), which lies between an adapter and the loss"),
          Map.entry(
              "whisper_dynamo20",
              "No gradient rule for operator Conv (node 'node_conv1d_1', module conv2), which lies between an adapter and the loss"),
          Map.entry(
              "whisper_opset19",
              "No gradient rule for operator Conv (node '/conv2/Conv', module conv2), which lies between an adapter and the loss"));

  @TempDir Path folder;

  static List<String> passing() throws IOException {
    return Fixtures.families().stream().filter(name -> !REFUSED.containsKey(name)).toList();
  }

  static List<String> refused() {
    return REFUSED.keySet().stream().sorted().toList();
  }

  @ParameterizedTest
  @MethodSource("passing")
  void lossAndGradientsArePyTorchs(String name) {
    RecordedModel recorded = RecordedModel.read(name);
    TrainableModel trainable = new TrainableModel(recorded, folder);
    assertThat(recorded.differentiated()).hasSizeGreaterThan(10);
    TABLES.forEach(
        (table, rules) -> {
          DifferentiatedModel model = new DifferentiatedModel(recorded, trainable, rules);
          double worst = compare(recorded, model.run(folder.resolve(table + ".onnx")));
          ParityErrors.keep(name, table, worst);
        });
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatCannotBeTrainedIsSaidClearly(String name) {
    RecordedModel recorded = RecordedModel.read(name);
    TrainableModel trainable = new TrainableModel(recorded, folder);
    TABLES.forEach(
        (table, rules) ->
            assertThatThrownBy(() -> new DifferentiatedModel(recorded, trainable, rules))
                .as(table)
                .isInstanceOf(NotDifferentiable.class)
                .hasMessageContaining(REFUSED.get(name)));
  }

  @Test
  void everyModelHasARowInTheDocs() throws IOException {
    List<String> rows = Fixtures.document("parity.md").lines().toList();
    assertThat(Fixtures.families())
        .allSatisfy(name -> assertThat(rows).anyMatch(row -> row.contains("| `" + name + "` |")));
  }

  /** Gives the worst relative error of a gradient. */
  private static double compare(RecordedModel recorded, DifferentiatedModel.Result result) {
    double loss = recorded.loss();
    assertThat(Math.abs(result.loss() - loss) / Math.abs(loss))
        .as("loss")
        .isLessThan(LOSS_TOLERANCE);
    double worst = 0;
    for (String weight : recorded.differentiated()) {
      float[] seen = requireNonNull(result.gradients().get(weight));
      double error = ParityErrors.distance(seen, recorded.gradient(weight).floats());
      assertThat(error).as("gradient of " + weight).isLessThan(GRADIENT_TOLERANCE);
      worst = Math.max(worst, error);
    }
    return worst;
  }
}
