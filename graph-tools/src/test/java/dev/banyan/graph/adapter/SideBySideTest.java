package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.graph.Emission;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.BatchOutput;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingFailure;
import dev.banyan.runtime.training.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters of several methods over one base. */
class SideBySideTest {
  private static final List<String> METHODS =
      List.of(
          "lora:targets=all-linear",
          "dora:targets=all-linear",
          "ia3:targets=key,value,output.dense;feedforward=output.dense");

  @TempDir Path folder;

  @Test
  void rowsOfOneBatchAreAnsweredByAdaptersOfDifferentMethods() {
    List<Recorded> adapters =
        List.of(
            new Recorded("lora", true, METHODS),
            new Recorded("dora", true, METHODS),
            new Recorded("ia3", true, METHODS));
    Bundle bundle = adapters.getFirst().prepare(Emission.FUSED, folder.resolve("bundle"));
    int texts = adapters.getFirst().texts().rows();
    List<Row> batch = new ArrayList<>();
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      for (int i = 0; i < adapters.size(); i++) {
        model.bank().write(i + 1, adapters.get(i).weights(bundle));
        batch.addAll(adapters.get(i).texts().at(i + 1));
      }
      BatchOutput answers = model.run(batch);
      for (int row = 0; row < batch.size(); row++) {
        float[] expected = adapters.get(row / texts).tensor("logits").floats();
        int from = row % texts * Recorded.LABELS;
        // Two programs sum in other orders; the logits are of about 1.
        assertThat(answers.logits(row, Recorded.LABELS))
            .containsExactly(
                Arrays.copyOfRange(expected, from, from + Recorded.LABELS), within(1e-4f));
      }
    }
  }

  /** A file would have room for the parameters of one of them. */
  @Test
  void aBundleForMethodsOfTheSameKeysServesThemAndTrainsNone() throws IOException {
    Bundle bundle =
        new Recorded("lora", true, METHODS).prepare(Emission.FUSED, folder.resolve("bundle"));
    Path data = folder.resolve("data.jsonl");
    Files.writeString(
        data, "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": \"y\"}\n");
    TrainingData texts = new TrainingData(Dataset.read(data), Optional.empty());
    Trainer trainer = new Trainer(bundle, TrainingPlan.defaults(), event -> {});
    assertThatThrownBy(() -> trainer.train(texts, folder.resolve("out")))
        .isInstanceOf(TrainingFailure.OneKeyTwice.class)
        .hasMessageContaining("lora and dora")
        .hasMessageContaining("prepare a bundle with one of them");
  }
}
