package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.ParityErrors;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.OpId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One model's bundle in each emission. */
class EmissionTest {
  private static final int ROWS = 6;
  private static final int LENGTH = 7;

  /** Float32 sums in other orders. */
  private static final double TOLERANCE = 1e-5;

  @TempDir Path folder;

  @Test
  void allEmissionsComputeTheSame() {
    TrainingRun.Pass plain = pass(bundle(Emission.PLAIN));
    for (Emission emission : List.of(Emission.FUSED, Emission.TRAINING)) {
      TrainingRun.Pass other = pass(bundle(emission));
      assertThat(other.loss()).isCloseTo(plain.loss(), Offset.offset(1e-5f));
      requireSame(other, plain, TOLERANCE);
    }
  }

  @ParameterizedTest
  @EnumSource(Emission.class)
  void layersThatRunAgainGiveTheSame(Emission emission) {
    Bundle bundle = bundle(TrainingChoice.of(emission).withRecompute());
    TrainingRun.Pass once = pass(bundle(emission));
    // The same operators on the same numbers; the plain emission has no other copies.
    requireSame(pass(bundle), once, TOLERANCE);
    List<String> again =
        OnnxReader.read(OnnxFile.read(bundle.file(Bundle.GRADIENT_MODEL))).graph().nodes().stream()
            .filter(node -> node.name().startsWith("banyan/recomputed/"))
            .map(node -> node.op().type())
            .toList();
    // Both attentions and both feed-forward parts, but for what the second is read for.
    assertThat(again).contains("Softmax", "MatMul").contains("Shape", "Reshape");
    assertThat(again.stream().filter("Softmax"::equals).count()).isEqualTo(2);
  }

  private static void requireSame(
      TrainingRun.Pass seen, TrainingRun.Pass expected, double tolerance) {
    expected
        .gradients()
        .forEach(
            (name, gradient) ->
                assertThat(
                        ParityErrors.distance(
                            seen.gradients().getOrDefault(name, new float[0]), gradient))
                    .as(name)
                    .isLessThan(tolerance));
  }

  @Test
  void onlyTheTrainingEmissionNeedsTheTrainingBuild() {
    assertThat(microsoft(bundle(Emission.PLAIN))).isEmpty();
    assertThat(microsoft(bundle(Emission.FUSED))).containsExactlyInAnyOrder("FusedMatMul", "Gelu");
    assertThat(microsoft(bundle(Emission.TRAINING)))
        .contains("GeluGrad", "LayerNormalizationGrad", "SoftmaxGrad_13");
  }

  private Bundle bundle(Emission emission) {
    return bundle(TrainingChoice.of(emission));
  }

  private Bundle bundle(TrainingChoice choice) {
    return GraphTools.prepare(
            new PrepareRequest(
                    Fixtures.export("bert_opset17"),
                    Bundles.tokenizer(folder, 40),
                    Task.EMBEDDING,
                    SiteChoice.of("all-linear"),
                    Pooling.MEAN,
                    choice.gradients(),
                    OptionalInt.empty(),
                    folder.resolve(choice.gradients().text() + choice.recompute()))
                .with(choice))
        .bundle();
  }

  private static Set<String> microsoft(Bundle bundle) {
    return OnnxReader.read(OnnxFile.read(bundle.file(Bundle.GRADIENT_MODEL)))
        .graph()
        .nodes()
        .stream()
        .filter(node -> node.op().domain().equals(OpId.MICROSOFT))
        .map(node -> node.op().type())
        .collect(Collectors.toSet());
  }

  private static TrainingRun.Pass pass(Bundle bundle) {
    List<Tensor> start =
        new ParameterInitializer(1).tensors(bundle.manifest().parameters(), Sizes.of(4, 1));
    return TrainingRun.pass(bundle, drawn(start), batch(bundle));
  }

  /** No matrix is zero, as half of an adapter's are at the start: all gradients flow. */
  private static List<Tensor> drawn(List<Tensor> start) {
    Random random = new Random(3);
    List<Tensor> drawn = new ArrayList<>();
    for (Tensor tensor : start) {
      float[] values = new float[Math.toIntExact(tensor.shape().elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (0.1 * random.nextGaussian());
      }
      drawn.add(Tensor.ofFloats(tensor.name(), tensor.shape(), values));
    }
    return drawn;
  }

  private static Map<String, Tensor> batch(Bundle bundle) {
    Map<String, Tensor> batch = TrainingRun.texts(ROWS, LENGTH);
    batch.put("lora_scaling", TrainingRun.scaling(bundle, 2f));
    return batch;
  }
}
