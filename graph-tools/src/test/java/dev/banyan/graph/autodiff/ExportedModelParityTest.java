package dev.banyan.graph.autodiff;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.graph.Fixtures;
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
      Map.of(
          "plain ONNX", GradientRules.plainOnnx(),
          "ONNX Runtime", GradientRules.forOrt(),
          "training kernels", GradientRules.withTrainingKernels());

  @TempDir Path folder;

  static List<String> families() throws IOException {
    return Fixtures.families();
  }

  @ParameterizedTest
  @MethodSource("families")
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
