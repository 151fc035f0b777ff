package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.graph.Emission;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeRequest;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.AdapterEvaluation;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.EngineKind;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Passes;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A whole run with each method, from data to an adapter that is served and merged. */
class MethodTrainingTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "lora:targets=all-linear",
        "dora:targets=all-linear",
        "pissa:targets=all-linear",
        "olora:targets=all-linear",
        "lora-fa:targets=all-linear",
        "lora:targets=word_embeddings",
        "lora:targets=position_embeddings,word_embeddings,query"
      })
  void whatIsLearnedIsServedAndMergedAndAnInterruptedRunGivesTheSameBytes(String method)
      throws IOException {
    Bundle bundle =
        new Recorded("", true, method).prepare(Emission.FUSED, folder.resolve("bundle"));
    Digest base = Digest.of(bundle.file(Bundle.BASE_DATA));
    TrainingData data = data();
    TrainingPlan plan =
        TrainingPlan.defaults()
            .with(AdapterPlan.lora(4, 8))
            .with(Passes.defaults().withEpochs(20))
            .with(new LearningRate.Linear(0.01, 0.1));
    Path whole = folder.resolve("whole");
    TrainingReport report = new Trainer(bundle, plan, event -> {}).train(data, whole);
    assertThat(report.losses().getLast()).isLessThan(report.losses().getFirst() / 2);
    CrashedRun.requireSameBytes(bundle, plan, data, whole);
    assertThat(Digest.of(bundle.file(Bundle.BASE_DATA))).isEqualTo(base);
    requireServed(bundle, data.train(), whole);
    assertThat(
            GraphTools.merge(
                    new MergeRequest(bundle.dir(), whole, folder.resolve("merged.onnx"), false))
                .answers()
                .difference())
        // Relative to the largest element of an answer.
        .isLessThan(1e-4);
  }

  @Test
  void engineThatTrainsAllOfAnAdapterIsRefusedForOneWhoseAStaysAsItIs() throws IOException {
    Bundle bundle =
        new Recorded("", true, "lora-fa:targets=query")
            .prepare(Emission.FUSED, folder.resolve("bundle"));
    TrainingPlan plan = TrainingPlan.defaults().with(EngineKind.ORT_TRAINING);
    assertThatThrownBy(() -> new Trainer(bundle, plan, event -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "engine is ort-training; expected session for a bundle of the method lora-fa, of which a part is not trained");
  }

  private static void requireServed(Bundle bundle, Dataset data, Path adapter) {
    AdapterWeights weights =
        AdapterWeights.fit(PeftAdapter.read(adapter), bundle, ServingPlan.defaults());
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      model.bank().write(3, weights);
      // What was learned by heart.
      assertThat(new AdapterEvaluation(model, 3, 8).score(data, weights.labels()).accuracy())
          .isCloseTo(1, within(0.2));
    }
  }

  private TrainingData data() throws IOException {
    StringBuilder lines = new StringBuilder();
    List<String> texts =
        List.of("My card was charged twice", "The page stays white", "Where is it");
    for (int i = 0; i < 18; i++) {
      lines.append(
          "{\"text\": \"%s %d\", \"label\": \"%s\"}%n"
              .formatted(texts.get(i % 3), i, "abc".charAt(i % 3)));
    }
    Path file = Files.writeString(folder.resolve("train.jsonl"), lines);
    return new TrainingData(Dataset.read(file), Optional.empty());
  }
}
