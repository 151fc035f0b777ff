package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gradients that pass through 16 bits. */
class LossScaleTest {
  @TempDir static Path shared;
  @TempDir Path folder;
  private static Bundle half;
  private static Bundle single;

  @BeforeAll
  static void prepare() {
    half = TinyBundle.writeHalf(shared.resolve("half"));
    single = TinyBundle.write(shared.resolve("single"));
  }

  @Test
  void scaleIsTakenOutOfTheGradients() {
    Checkpoint scaled = steps(half, fresh(), 10);
    Checkpoint plain = steps(single, fresh(), 10);

    assertThat(scaled.properties()).containsEntry("loss_scale", 65536f);
    for (int i = 0; i < 4; i++) {
      // 11 bits of a number of 16; ten updates of 0.01 each.
      assertThat(scaled.trainable().get(i).floats())
          .containsExactly(plain.trainable().get(i).floats(), within(2e-3f));
    }
  }

  @Test
  void overflowSkipsTheUpdateAndHalvesTheScale() {
    Checkpoint start = scaledBy(1 << 20, 7);
    try (TrainingEngine engine = open(half, start);
        TensorScope scope = new TensorScope()) {
      float loss = engine.accumulate(feeds(scope), 1);
      assertThat(loss).isFinite();
      assertThat(engine.gradientNorm().orElseThrow()).isNotFinite();
      assertThat(engine.mayOverflow()).isTrue();
      engine.update(0.01);

      Checkpoint after = engine.checkpoint();
      assertThat(after.properties())
          .containsEntry("loss_scale", (float) (1 << 19))
          .containsEntry("loss_scale_steps", 0L);
      assertThat(after.optimizer().orElseThrow().step()).isZero();
      assertThat(values(after)).isEqualTo(values(start));

      // Gradients of about a sixth: 2^19 is still too much.
      for (int step = 0; step < 4; step++) {
        engine.accumulate(feeds(scope), 1);
        engine.update(0.01);
      }
      assertThat(engine.checkpoint().optimizer().orElseThrow().step()).isEqualTo(3);
      assertThat(engine.checkpoint().properties()).containsEntry("loss_scale", (float) (1 << 18));
    }
  }

  @Test
  void scaleGrowsAfterManyGoodSteps() {
    Checkpoint after = steps(half, scaledBy(1024, 1998), 2);

    assertThat(after.properties())
        .containsEntry("loss_scale", 2048f)
        .containsEntry("loss_scale_steps", 0L);
  }

  @Test
  void runThatGoesOnHasTheScaleItHad() {
    Checkpoint start = scaledBy(1 << 19, 0);
    Checkpoint whole = steps(half, start, 6);
    CheckpointFile.write(folder.resolve("part"), steps(half, start, 2));
    Checkpoint both = steps(half, CheckpointFile.read(folder.resolve("part")), 4);

    assertThat(both.properties()).isEqualTo(whole.properties());
    assertThat(values(both)).isEqualTo(values(whole));
  }

  @Test
  void gradientsThatAreNotFiniteWithoutAScaleAreAnError() {
    try (TrainingEngine engine = open(half, scaledBy(1, 0))) {
      assertThat(engine.mayOverflow()).isFalse();
    }
    try (TrainingEngine engine = open(single, fresh())) {
      assertThat(engine.mayOverflow()).isFalse();
    }
  }

  @Test
  void trainingSessionOfOnnxRuntimeCannotScale() {
    TrainingStart start =
        new TrainingStart(
            half, fresh(), new AdamW(0, 1, 1), false, false, SessionSettings.defaults());
    assertThatThrownBy(() -> OrtTrainingEngine.open(start, folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("engine is ort-training");
  }

  private static Checkpoint steps(Bundle bundle, Checkpoint start, int count) {
    try (TrainingEngine engine = open(bundle, start);
        TensorScope scope = new TensorScope()) {
      for (int step = 0; step < count; step++) {
        engine.accumulate(feeds(scope), 1);
        engine.update(0.01);
      }
      return engine.checkpoint();
    }
  }

  private static TrainingEngine open(Bundle bundle, Checkpoint start) {
    return SessionTrainingEngine.open(
        new TrainingStart(
            bundle, start, new AdamW(0, 1, 1), false, false, SessionSettings.defaults()));
  }

  private static Map<String, NativeTensor> feeds(TensorScope scope) {
    return Map.of(
        "lora_scaling", scope.floats(new float[] {2}),
        "labels", scope.longs(new long[] {0, 1, 1}, 3),
        "attention_mask", scope.longs(new long[] {1, 1, 1, 0, 1, 1}, 3, 2),
        "input_ids", scope.longs(new long[] {2, 3, 4, 0, 6, 7}, 3, 2));
  }

  private static Checkpoint fresh() {
    return Checkpoint.fresh(
        new ParameterInitializer(42).tensors(single.manifest().parameters(), Sizes.of(4, 2)));
  }

  private static Checkpoint scaledBy(float scale, long steps) {
    return new Checkpoint(
        fresh().trainable(),
        List.of(),
        Optional.empty(),
        Map.of("loss_scale", scale, "loss_scale_steps", steps));
  }

  private static List<ByteBuffer> values(Checkpoint checkpoint) {
    return checkpoint.trainable().stream()
        .map(tensor -> ByteBuffer.wrap(tensor.data().toArray(ValueLayout.JAVA_BYTE)))
        .toList();
  }
}
