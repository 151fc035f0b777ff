package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.PrepareRequest.WeightChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A decoder with 4-bit weights is trained on as it is, or on the floats that they stand for. */
class QuantizedTrainingTest {
  private static final int STEPS = 8;

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void everyLossIsThatOfTheDequantizedWeights(QuantizedDecoder.Form form) throws IOException {
    Path model = QuantizedDecoder.write(form, folder);
    Bundle kept = prepare(model, new WeightChoice(false));
    Bundle floats = prepare(model, new WeightChoice(true));
    assertThat(operators(kept)).contains("MatMulNBits");
    assertThat(operators(floats)).doesNotContain("MatMulNBits");
    assertThat(floats.manifest().base().frozenParameters())
        .isEqualTo(kept.manifest().base().frozenParameters());

    List<Float> onNumbers = losses(kept);
    List<Float> onFloats = losses(floats);

    assertThat(onNumbers).hasSize(STEPS);
    assertThat(onNumbers.getLast()).isLessThan(onNumbers.getFirst() - 0.1f);
    for (int step = 0; step < STEPS; step++) {
      // Float32 sums in another order, and what AdamW makes of it in a few steps.
      assertThat(onNumbers.get(step))
          .as("loss of step %d", step + 1)
          .isCloseTo(onFloats.get(step), Offset.offset(1e-4f));
    }
  }

  private static List<String> operators(Bundle bundle) {
    return OnnxReader.read(OnnxFile.read(bundle.file(Bundle.GRADIENT_MODEL)))
        .graph()
        .nodes()
        .stream()
        .map(Node::op)
        .map(op -> op.type())
        .toList();
  }

  private Bundle prepare(Path model, WeightChoice weights) {
    return GraphTools.prepare(
            new PrepareRequest(
                    model,
                    Bundles.tokenizer(folder, 60),
                    Task.CAUSAL_LM,
                    SiteChoice.of("all-linear"),
                    Pooling.MEAN,
                    OptionalInt.of(24),
                    folder.resolve("bundle-" + weights.dequantized()))
                .with(new LanguageChoice(Optional.of("w1"), Optional.empty()))
                .with(weights))
        .bundle();
  }

  private List<Float> losses(Bundle bundle) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int from = 2; from < 34; from++) {
      lines.append("{\"text\": \"w%d w%d w%d w%d\"}\n".formatted(from, from + 1, from + 2, from));
    }
    Path file = Files.writeString(folder.resolve("data.jsonl"), lines);
    return TrainingRun.losses(bundle, file, STEPS);
  }
}
