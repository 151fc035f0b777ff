package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.KeptWeights;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.graph.Fixtures;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every method that a decoder without biases can have; {@code prepare} checks its graphs. */
class DecoderMethodsTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "lora, 0.02",
    "dora, 0.02",
    "pissa, 0.02",
    "olora, 0.02",
    "lora-fa, 0.05",
    "vera, 0.3",
    "loha, 0.05",
    "lokr, 0.05",
    "miss, 0.02",
    "ia3, 0.3",
    "sparse, 0.05",
    "bottleneck, 0.05",
    "norms, 0.1",
    "last-layers:n=1, 0.02",
    "full, 0.02"
  })
  void methodLearnsToGoOnWithATextAsADecoder(String method, double rate) throws IOException {
    Bundle bundle =
        Bundles.decoder(Fixtures.family("llama_dynamo18"), method, "all-linear", folder);
    TrainingPlan usual = TrainingPlan.defaults();
    TrainingPlan plan =
        usual
            .with(
                AdapterPlan.lora(4, 8)
                    .with(Size.PROJECTION, 16)
                    .with(new KeptWeights(0.2, KeptWeights.Rule.MAGNITUDE, 1)))
            .with(usual.passes().withEpochs(20))
            .with(new LearningRate.Constant(rate, 0));
    List<Float> losses =
        new Trainer(bundle, plan, _ -> {})
            .train(new TrainingData(data(), Optional.empty()), folder.resolve("adapter"))
            .losses();
    assertThat(losses.getLast()).isLessThan(0.8f * losses.getFirst());
  }

  private Dataset data() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 2; i < 26; i++) {
      lines.append("{\"prompt\": \"w%d \", \"completion\": \"w50 w51 w52\"}%n".formatted(i));
    }
    return Dataset.read(Files.writeString(folder.resolve("data.jsonl"), lines));
  }
}
