package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.TinyData;
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
import org.junit.jupiter.params.provider.ValueSource;

class ResumeTest {
  /** 200 examples in batches of 16. */
  private static final int STEPS_PER_EPOCH = 13;

  @TempDir static Path shared;
  @TempDir Path folder;
  private static Bundle bundle;
  private static TrainingData data;

  @BeforeAll
  static void prepare() throws IOException {
    bundle = TinyBundle.write(shared.resolve("bundle"));
    data = TinyData.write(shared);
  }

  /** Ends a run as a crash would, at the moment when a state was saved. */
  private static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  @ParameterizedTest
  @EnumSource(EngineKind.class)
  void runThatGoesOnInTheMiddleOfAnEpochGivesTheSameBytes(EngineKind kind) throws IOException {
    TrainingPlan plan = plan().with(kind);
    TrainingReport whole = train(plan, RunPlace.of(folder.resolve("whole")));
    RunPlace place = RunPlace.of(folder.resolve("parts")).savedEvery(5);
    crashAt(5, plan, place);
    crashAt(20, plan, place.resumed());
    TrainingReport parts = train(plan, place.resumed());
    assertSame(parts, whole);
  }

  @Test
  void bestAdapterAndPatienceAreRemembered() throws IOException {
    // At this rate all there is has been learned after a few epochs, and then only noise is left.
    TrainingPlan plan =
        plan().with(new LearningRate.Linear(0.5, 0.1)).with(new Evaluations(4, 6)).with(epochs(40));
    TrainingReport whole = train(plan, RunPlace.of(folder.resolve("whole")));
    assertThat(whole.losses().size()).isLessThan(40 * STEPS_PER_EPOCH);
    int best = whole.bestStep();
    RunPlace place = RunPlace.of(folder.resolve("parts")).savedEvery(1);
    crashAt(best - 1, plan, place);
    crashAt(best, plan, place.resumed());
    crashAt(whole.losses().size() - 1, plan, place.resumed());
    assertSame(train(plan, place.resumed()), whole);
  }

  @Test
  void stepsOfSeveralBatchesGoOnToo() throws IOException {
    TrainingPlan plan = plan().with(plan().passes().withAccumulation(3));
    TrainingReport whole = train(plan, RunPlace.of(folder.resolve("whole")));
    RunPlace place = RunPlace.of(folder.resolve("parts")).savedEvery(2);
    crashAt(6, plan, place);
    assertSame(train(plan, place.resumed()), whole);
  }

  @Test
  void adapterOfALaterStepThanTheStateIsTakenBack() throws IOException {
    TrainingPlan plan = plan();
    RunPlace place = RunPlace.of(folder.resolve("out"));
    crashAt(STEPS_PER_EPOCH, plan, place);
    byte[] first = Files.readAllBytes(folder.resolve("out/adapter_model.safetensors"));
    Files.writeString(folder.resolve("out/adapter_model.safetensors"), "damaged");
    List<byte[]> atStart = new ArrayList<>();
    new Trainer(
            bundle,
            plan,
            event -> {
              if (event instanceof TrainingEvent.Started) {
                atStart.add(readAdapter(folder.resolve("out")));
              }
            })
        .train(data, place.resumed());
    assertThat(atStart.getFirst()).isEqualTo(first);
  }

  @Test
  void stateIsRemovedWhenTheRunHasEnded() throws IOException {
    RunPlace place = RunPlace.of(folder.resolve("out")).savedEvery(3);
    train(plan(), place);
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactly(folder.resolve("out"));
    }
    assertThatThrownBy(() -> train(plan(), place.resumed()))
        .isInstanceOf(TrainingFailure.NothingToResume.class)
        .hasMessageContaining("start it without --resume");
  }

  @Test
  void folderOfAStateHoldsTheLastOneOnly() throws IOException {
    RunPlace place = RunPlace.of(folder.resolve("out")).savedEvery(3);
    crashAt(STEPS_PER_EPOCH + 5, plan(), place);
    try (var files = Files.list(place.state())) {
      assertThat(
              files.map(file -> String.valueOf(file.getFileName()).replaceAll("-[0-9a-f]{8}$", "")))
          .containsExactlyInAnyOrder("state.json", "checkpoint-18", "kept-13");
    }
  }

  @Test
  void anotherPlanOrOtherDataIsRefusedByName() throws IOException {
    RunPlace place = RunPlace.of(folder.resolve("out")).savedEvery(3);
    crashAt(3, plan(), place);
    TrainingPlan other =
        plan().with(AdapterPlan.lora(4, 16)).with(new LearningRate.Cosine(0.02, 0.1));
    assertThatThrownBy(() -> train(other, place.resumed()))
        .isInstanceOf(TrainingFailure.OtherRun.class)
        .hasMessageContaining(
            "another run: adapter.alpha was 8.0 and is 16.0, learning-rate was Linear and is Cosine;");
    TrainingData without = new TrainingData(data.train(), Optional.empty());
    assertThatThrownBy(
            () -> new Trainer(bundle, plan(), event -> {}).train(without, place.resumed()))
        .isInstanceOf(TrainingFailure.OtherRun.class)
        .hasMessageMatching("(?s).*another run: eval was sha256:\\w+ and is none;.*");
  }

  @ParameterizedTest
  @ValueSource(strings = {"checkpoint-3", "state.json"})
  void damagedStateIsRefused(String name) throws IOException {
    RunPlace place = RunPlace.of(folder.resolve("out")).savedEvery(3);
    crashAt(3, plan(), place);
    Path file;
    try (var files = Files.list(place.state())) {
      file =
          files
              .filter(path -> String.valueOf(path.getFileName()).startsWith(name))
              .findFirst()
              .orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 9] ^= 1;
    Files.write(file, bytes);
    assertThatThrownBy(() -> train(plan(), place.resumed()))
        .isInstanceOf(CorruptArtifact.class)
        .hasMessageContaining(name);
  }

  @Test
  void folderThatIsNoStateIsNotTouched() throws IOException {
    Path mine = Files.createDirectory(folder.resolve("precious"));
    Files.writeString(mine.resolve("notes.txt"), "mine");
    RunPlace place = new RunPlace(folder.resolve("out"), mine, 0, false);
    assertThatThrownBy(() -> train(plan(), place))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("name another --state");
    assertThat(mine.resolve("notes.txt")).hasContent("mine");
  }

  private static byte[] readAdapter(Path out) {
    try {
      return Files.readAllBytes(out.resolve("adapter_model.safetensors"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private void assertSame(TrainingReport parts, TrainingReport whole) throws IOException {
    for (String file : List.of("adapter_model.safetensors", "adapter_config.json")) {
      assertThat(folder.resolve("parts").resolve(file))
          .hasSameBinaryContentAs(folder.resolve("whole").resolve(file));
    }
    assertThat(parts.losses()).isEqualTo(whole.losses());
    assertThat(parts.eval()).isEqualTo(whole.eval());
    assertThat(parts.bestStep()).isEqualTo(whole.bestStep());
    assertThat(parts.adapterDigest()).isEqualTo(whole.adapterDigest());
  }

  private static void crashAt(int step, TrainingPlan plan, RunPlace place) {
    Trainer trainer =
        new Trainer(
            bundle,
            plan,
            event -> {
              if (event instanceof TrainingEvent.StateSaved saved && saved.step() >= step) {
                throw new Crash();
              }
            });
    assertThatThrownBy(() -> trainer.train(data, place)).isInstanceOf(Crash.class);
  }

  private static TrainingReport train(TrainingPlan plan, RunPlace place) {
    return new Trainer(bundle, plan, event -> {}).train(data, place);
  }

  private static Passes epochs(int count) {
    return Passes.defaults().withEpochs(count);
  }

  private static TrainingPlan plan() {
    return TrainingPlan.defaults()
        .with(AdapterPlan.lora(4, 8))
        .with(epochs(3))
        .with(new LearningRate.Linear(0.02, 0.1));
  }
}
