package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.TinyData;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.Dataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTest {
  @TempDir static Path shared;
  @TempDir Path folder;
  private static Bundle bundle;
  private static TrainingData data;

  @BeforeAll
  static void prepare() throws IOException {
    bundle = TinyBundle.write(shared.resolve("bundle"));
    data = TinyData.write(shared);
  }

  @Test
  void lossFallsAndHeldOutTextsAreAnswered() {
    TrainingReport report = train(plan(8, 0.02, 42), new ArrayList<>());

    assertThat(report.losses()).hasSize(8 * 13);
    assertThat(report.losses().getFirst()).isBetween(1.0f, 1.2f);
    assertThat(report.losses().getLast()).isLessThan(0.2f);
    assertThat(report.eval().orElseThrow().accuracy()).isGreaterThan(0.95);
    assertThat(report.labels()).containsExactly("animal", "colour", "fruit");
    assertThat(report.trainableParameters()).isEqualTo(16 * 4 + 4 * 16 + 16 * 3 + 3);
    assertThat(report.frozenParameters()).isEqualTo(18 * 16 + 16 * 16);
    assertThat(report.msPerStepMedian()).isPositive();
    assertThat(report.tokensPerSecond()).isPositive();
    assertThat(report.firstStepSeconds()).isPositive();
  }

  @Test
  void sameSeedGivesTheSameBytesAndAnotherSeedOthers() throws IOException {
    train(plan(2, 0.02, 7), new ArrayList<>());
    byte[] first = Files.readAllBytes(folder.resolve("out/adapter_model.safetensors"));
    train(plan(2, 0.02, 7), new ArrayList<>());
    assertThat(folder.resolve("out/adapter_model.safetensors")).hasBinaryContent(first);
    train(plan(2, 0.02, 8), new ArrayList<>());
    assertThat(Files.readAllBytes(folder.resolve("out/adapter_model.safetensors")))
        .isNotEqualTo(first);
  }

  @Test
  void adapterHasPeftsKeysAndLayout() {
    TrainingReport report = train(plan(1, 0.02, 1), new ArrayList<>());
    PeftAdapter adapter = PeftAdapter.read(folder.resolve("out"));

    assertThat(adapter.weights().tensors())
        .containsOnlyKeys(
            "base_model.model.encoder.dense.lora_A.weight",
            "base_model.model.encoder.dense.lora_B.weight",
            "base_model.model.classifier.weight",
            "base_model.model.classifier.bias");
    assertThat(adapter.weights().tensors().values())
        .extracting(tensor -> tensor.shape())
        .containsExactly(Shape.of(4, 16), Shape.of(16, 4), Shape.of(3, 16), Shape.of(3));
    assertThat(adapter.lora().rank()).isEqualTo(4);
    assertThat(adapter.config().targetModules()).containsExactly("encoder.dense");
    assertThat(adapter.metadata().labels()).containsExactly("animal", "colour", "fruit");
    assertThat(adapter.metadata().base()).contains(bundle.manifest().base().digest());
    assertThat(adapter.digest()).isEqualTo(report.adapterDigest());
  }

  @Test
  void eventsTellTheWholeRun() {
    List<TrainingEvent> events = new ArrayList<>();
    train(plan(2, 0.02, 1), events);
    assertThat(events.getFirst()).isEqualTo(new TrainingEvent.Started(26, 13, 0));
    assertThat(events.stream().filter(TrainingEvent.Stepped.class::isInstance)).hasSize(26);
    assertThat(events.stream().filter(TrainingEvent.Evaluated.class::isInstance)).hasSize(2);
    assertThat(events.getLast()).isInstanceOf(TrainingEvent.Saved.class);
  }

  @Test
  void runEndsEarlyWhenResultsNoLongerGetBetter() {
    // Adam at this rate has learned all there is after a few epochs; then only noise is left.
    List<TrainingEvent> events = new ArrayList<>();
    TrainingReport report = train(plan(200, 0.5, 1), events);
    assertThat(events.getLast()).isInstanceOf(TrainingEvent.StoppedEarly.class);
    assertThat(report.losses().size()).isLessThan(200 * 13);
    List<TrainingEvent> saved =
        events.stream().filter(TrainingEvent.Saved.class::isInstance).toList();
    assertThat(((TrainingEvent.Saved) saved.getLast()).epoch()).isEqualTo(report.bestEpoch());
    assertThat(PeftAdapter.read(folder.resolve("out")).digest()).isEqualTo(report.adapterDigest());
  }

  @Test
  void stepsAreLimited() {
    TrainingPlan plan =
        new TrainingPlan(
            AdapterPlan.lora(4, 8),
            new Passes(3, 5, new BatchSize.Examples(16), 1, 0),
            new LearningRate.Constant(0.01, 0),
            new AdamW(0, 0, 1),
            Evaluations.defaults(),
            1,
            Compute.defaults());
    assertThat(new Trainer(bundle, plan, event -> {}).train(data, folder.resolve("out")).losses())
        .hasSize(5);
  }

  @Test
  void lossThatIsNotANumberStopsTheRunWithItsStep() {
    TrainingPlan plan =
        new TrainingPlan(
            AdapterPlan.lora(4, 8),
            new Passes(1, 0, new BatchSize.Examples(16), 1, 0),
            new LearningRate.Constant(1e38, 0),
            new AdamW(0, 0, 1),
            Evaluations.defaults(),
            1,
            Compute.defaults());
    Trainer trainer = new Trainer(bundle, plan, event -> {});
    assertThatThrownBy(() -> trainer.train(data, folder.resolve("out")))
        .isInstanceOf(TrainingFailure.Diverged.class)
        .hasMessageMatching(
            "The (loss|norm of the gradients) is \\S+ at step [2-9] .*train.jsonl, lines (\\d+,"
                + " )+\\d+\\); try a smaller --learning-rate.*");
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @EnumSource(EngineKind.class)
  void adapterThatChangesNoAnswerIsRefused(EngineKind kind) {
    // B is then no longer zero, but too small for any sum of 32 bits to show it.
    TrainingPlan plan =
        plan(1, 0.02, 1).with(new LearningRate.Constant(1e-30, 0)).with(new AdamW(0, 0, 1));
    for (TrainingData some : List.of(data, new TrainingData(data.train(), Optional.empty()))) {
      Trainer trainer = new Trainer(bundle, plan.with(kind), event -> {});
      assertThatThrownBy(() -> trainer.train(some, folder.resolve("out")))
          .isInstanceOf(TrainingFailure.UselessAdapter.class)
          .hasMessageContaining(
              "'adapter' changes no answer of the model; the adapter is not written");
      assertThat(folder.resolve("out")).doesNotExist();
    }
  }

  @Test
  void labelUnseenInTrainingIsNamedBeforeTheRun() throws IOException {
    Path eval =
        Files.writeString(
            folder.resolve("eval.jsonl"),
            """
            {"text": "the dog", "label": "animal"}
            {"text": "warm", "label": "weather"}
            """);
    TrainingData unseen = new TrainingData(data.train(), Optional.of(Dataset.read(eval)));
    Trainer trainer = new Trainer(bundle, plan(1, 0.02, 1), event -> {});
    assertThatThrownBy(() -> trainer.train(unseen, folder.resolve("out")))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessage(
            eval
                + ", line 2: the label \"weather\" is not among those trained: [animal, colour,"
                + " fruit]");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void folderThatIsNoAdapterIsNotReplaced() throws IOException {
    Path out = Files.createDirectory(folder.resolve("precious"));
    Files.writeString(out.resolve("notes.txt"), "mine");
    Trainer trainer = new Trainer(bundle, plan(1, 0.02, 1), event -> {});
    assertThatThrownBy(() -> trainer.train(data, out))
        .isInstanceOf(TrainingFailure.OutputTaken.class)
        .hasMessageContaining("precious exists and is not an adapter");
    assertThat(out.resolve("notes.txt")).hasContent("mine");
  }

  @Test
  void rowsLongerThanTheBundleAllowsAreRefused() {
    TrainingPlan plan =
        new TrainingPlan(
            AdapterPlan.lora(4, 8),
            new Passes(1, 0, new BatchSize.Examples(16), 1, 13),
            new LearningRate.Constant(0.01, 0),
            new AdamW(0, 0, 1),
            Evaluations.defaults(),
            1,
            Compute.defaults());
    assertThatThrownBy(() -> new Trainer(bundle, plan, event -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pad-to is 13, but the bundle was prepared for texts of at most 12 tokens");
  }

  @Test
  void workFilesAreRemoved() throws IOException {
    train(plan(1, 0.02, 1), new ArrayList<>());
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactly(folder.resolve("out"));
    }
  }

  private TrainingReport train(TrainingPlan plan, List<TrainingEvent> events) {
    return new Trainer(bundle, plan, events::add).train(data, folder.resolve("out"));
  }

  private static TrainingPlan plan(int epochs, double rate, long seed) {
    return new TrainingPlan(
        AdapterPlan.lora(4, 8),
        new Passes(epochs, 0, new BatchSize.Examples(16), 1, 0),
        new LearningRate.Linear(rate, 0.1),
        new AdamW(0.01, 1, 1),
        Evaluations.defaults(),
        seed,
        Compute.defaults());
  }
}
