package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddingBundleTest {
  private static final int PAIRS = 3;
  private static final int LENGTH = 7;
  private static final int HIDDEN = 32;

  @TempDir Path folder;

  @Test
  void pairsAreDrawnTogetherByTheirCosines() {
    Bundle bundle =
        GraphTools.prepare(
                new PrepareRequest(
                    Fixtures.export("bert_opset17"),
                    Bundles.tokenizer(folder, 40),
                    Task.EMBEDDING,
                    SiteChoice.of("all-linear"),
                    Pooling.MEAN,
                    OptionalInt.empty(),
                    folder.resolve("bundle")))
            .bundle();
    assertThat(bundle.manifest().parameters().stream().map(ParameterSpec::name))
        .noneMatch(name -> name.startsWith("classifier"));
    assertThat(bundle.manifest().adapter().peftPrefix()).isEmpty();

    List<Tensor> start =
        new ParameterInitializer(1).tensors(bundle.manifest().parameters(), Sizes.of(4, 1));
    TrainingRun.Pass pass = TrainingRun.pass(bundle, start, batch(bundle));
    // In float64, from the embeddings that the graph gives; they themselves are float32.
    assertThat((double) pass.loss()).isCloseTo(expectedLoss(pass.prediction()), offset());
    List<Float> losses = TrainingRun.losses(bundle, start, batch(bundle), folder, 10);
    assertThat(losses.getLast()).isLessThan(losses.getFirst() * 0.9f);
  }

  private static Offset<Double> offset() {
    return Offset.offset(1e-5);
  }

  private static double expectedLoss(List<Float> embeddings) {
    double total = 0;
    for (int text = 0; text < PAIRS; text++) {
      double sum = 0;
      double own = 0;
      for (int partner = 0; partner < PAIRS; partner++) {
        double cosine = 0;
        for (int i = 0; i < HIDDEN; i++) {
          cosine +=
              (double) embeddings.get(text * HIDDEN + i)
                  * embeddings.get((PAIRS + partner) * HIDDEN + i);
        }
        sum += Math.exp(20 * cosine);
        own = partner == text ? 20 * cosine : own;
      }
      total += Math.log(sum) - own;
    }
    return total / PAIRS;
  }

  private static Map<String, Tensor> batch(Bundle bundle) {
    Map<String, Tensor> batch = TrainingRun.texts(2 * PAIRS, LENGTH);
    batch.put("lora_scaling", TrainingRun.scaling(bundle, 2f));
    return batch;
  }
}
