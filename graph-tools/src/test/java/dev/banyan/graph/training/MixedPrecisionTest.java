package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.Precision;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Graph;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OrtFailure;
import dev.banyan.runtime.ort.SessionSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Products in 16 bits, run on a CPU, where ONNX Runtime computes in 32 bits what it has no kernel
 * for: weights are rounded, and what only moves; other activations are not.
 */
class MixedPrecisionTest {
  private static final int STEPS = 8;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "bert_opset17, TEXT_CLASSIFICATION, FUSED, true, query-value",
    "distilbert_dynamo18, TEXT_CLASSIFICATION, PLAIN, false, all-linear",
    "bert_opset17, TEXT_CLASSIFICATION, FUSED, false, head-only",
    "bert_opset17, EMBEDDING, FUSED, false, all-linear",
    "families/llama_dynamo18, CAUSAL_LM, FUSED, true, all-linear",
    "families/gpt2_opset16, CAUSAL_LM, PLAIN, false, all-linear"
  })
  void lossesAreThoseOfFloatsButForRounding(
      String export, Task task, Emission gradients, boolean recompute, String targets)
      throws IOException {
    TrainingChoice training = TrainingChoice.of(gradients);
    Prepared prepared =
        new Prepared(
            export,
            task,
            recompute ? training.withRecompute() : training,
            targets.replace("query-value", "query,value"));
    List<Float> single = losses(prepare(prepared, Precision.FP32), task);
    List<Float> half = losses(prepare(prepared, Precision.FP16), task);

    assertThat(single.getLast()).isLessThan(single.getFirst());
    assertThat(half).hasSize(STEPS);
    for (int step = 0; step < STEPS; step++) {
      // Numbers of 11 bits through a few layers, and eight updates of parameters by them.
      assertThat(half.get(step))
          .as("loss of step %d", step + 1)
          .isCloseTo(single.get(step), Offset.offset(1e-2f));
    }
  }

  @Test
  void weightsOfTrainingTakeHalfTheRoomAndThoseThatServeAreAsTheyWere() {
    Prepared prepared = Prepared.classifier();
    Bundle half = prepare(prepared, Precision.FP16);
    Bundle single = prepare(prepared, Precision.FP32);

    Graph gradients = graph(half, Bundle.GRADIENT_MODEL);
    assertThat(layers(gradients)).isNotEmpty().containsOnly(DType.FLOAT16);
    assertThat(gradients.inputs())
        .filteredOn(input -> input.name().contains("lora_"))
        .allMatch(input -> input.knownType().dtype() == DType.FLOAT);
    assertThat(gradients.outputs()).allMatch(output -> output.knownType().dtype() == DType.FLOAT);
    assertThat(gradients.find("loss_scale")).isPresent();
    assertThat(graph(single, Bundle.GRADIENT_MODEL).find("loss_scale")).isEmpty();
    for (String unchanged : List.of(Bundle.EVAL_MODEL, Bundle.SERVING_MODEL)) {
      assertThat(layers(graph(half, unchanged))).isNotEmpty().containsOnly(DType.FLOAT);
    }
  }

  @Test
  void numbersOfAWideRangeNeedNoScale() {
    Prepared prepared = Prepared.classifier();

    Bundle bundle = prepare(prepared, Precision.BF16);
    Graph gradients = graph(bundle, Bundle.GRADIENT_MODEL);

    assertThat(layers(gradients)).isNotEmpty().containsOnly(DType.BFLOAT16);
    assertThat(gradients.find("loss_scale")).isEmpty();
    // ONNX Runtime looks for kernels only when it has found that all types fit.
    assertThatThrownBy(
            () ->
                InferenceSession.open(
                    bundle.file(Bundle.GRADIENT_MODEL), SessionSettings.defaults()))
        .isInstanceOf(OrtFailure.ModelRejected.class)
        .hasMessageContaining("MatMul")
        .hasMessageContaining("--device cuda");
  }

  /** The element types of the constants that products read. */
  private static List<DType> layers(Graph graph) {
    return graph.nodes().stream()
        .filter(node -> node.op().is("MatMul") || node.op().type().equals("FusedMatMul"))
        .flatMap(node -> node.inputs().stream())
        .flatMap(input -> input.constant().stream())
        .map(Tensor::type)
        .toList();
  }

  private static Graph graph(Bundle bundle, String file) {
    return OnnxReader.read(OnnxFile.read(bundle.file(file))).graph();
  }

  /** What is prepared. */
  private record Prepared(String export, Task task, TrainingChoice training, String targets) {
    /** A classifier of texts. */
    static Prepared classifier() {
      TrainingChoice fused = TrainingChoice.of(Emission.FUSED);
      return new Prepared("bert_opset17", Task.TEXT_CLASSIFICATION, fused, "query,value");
    }
  }

  private Bundle prepare(Prepared what, Precision precision) {
    return GraphTools.prepare(
            new PrepareRequest(
                    Fixtures.export(what.export()),
                    Bundles.tokenizer(folder, 40),
                    what.task(),
                    SiteChoice.of(what.targets()),
                    Pooling.MEAN,
                    OptionalInt.of(16),
                    folder.resolve(precision.text()))
                .with(new LanguageChoice(Optional.of("w1"), Optional.empty()))
                .with(what.training().with(precision)))
        .bundle();
  }

  private List<Float> losses(Bundle bundle, Task task) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 2; i < 34; i++) {
      String words = "w%d w%d w%d".formatted(i, i + 1, i + 2);
      lines.append(
          switch (task) {
            case EMBEDDING -> "{\"text\": \"%s\", \"text_pair\": \"w%d\"}\n".formatted(words, i);
            case CAUSAL_LM -> "{\"text\": \"%s\"}\n".formatted(words);
            default -> "{\"text\": \"%s\", \"label\": \"%s\"}\n".formatted(words, i % 2 == 0);
          });
    }
    Path file = Files.writeString(folder.resolve("data.jsonl"), lines);
    return TrainingRun.losses(bundle, file, STEPS);
  }
}
