package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainingEngineTest {
  @TempDir static Path shared;
  @TempDir Path folder;
  private static Bundle bundle;

  @BeforeAll
  static void prepare() {
    bundle = TinyBundle.write(shared.resolve("bundle"));
  }

  @Test
  void bothEnginesTrainTheSameNumbers() throws IOException {
    // Without decay, as ONNX Runtime's optimizer decays biases too.
    AdamW adamW = new AdamW(0, 0.1, 1);
    Checkpoint ours = after(EngineKind.SESSION, adamW, fresh(), 20);
    Checkpoint orts = after(EngineKind.ORT_TRAINING, adamW, fresh(), 20);
    Map<String, Tensor> expected = byName(orts);
    byName(ours)
        .forEach(
            (name, tensor) ->
                // 32-bit sums in another order, carried on through 20 updates of about 0.01 each.
                assertThat(tensor.floats())
                    .containsExactly(
                        Objects.requireNonNull(expected.get(name)).floats(), within(1e-4f)));
    assertThat(ours.optimizer().orElseThrow().step())
        .isEqualTo(orts.optimizer().orElseThrow().step())
        .isEqualTo(20);
  }

  @ParameterizedTest
  @EnumSource(EngineKind.class)
  void runThatGoesOnFromACheckpointGivesTheSameBytes(EngineKind kind) throws IOException {
    AdamW adamW = new AdamW(0.01, 1, 1);
    Checkpoint whole = after(kind, adamW, fresh(), 9);
    Checkpoint half = after(kind, adamW, fresh(), 4);
    CheckpointFile.write(folder.resolve("half"), half);
    Checkpoint both = after(kind, adamW, CheckpointFile.read(folder.resolve("half")), 5);
    assertThat(state(both)).isEqualTo(state(whole));
  }

  /** Bytes of each parameter and its moments. */
  private static Map<String, List<ByteBuffer>> state(Checkpoint checkpoint) {
    Map<String, List<Tensor>> moments = checkpoint.optimizer().orElseThrow().moments();
    Map<String, List<ByteBuffer>> state = new TreeMap<>();
    byName(checkpoint)
        .forEach(
            (name, tensor) -> {
              List<Tensor> all = new ArrayList<>(List.of(tensor));
              all.addAll(Objects.requireNonNull(moments.get(name)));
              state.put(name, bytes(all));
            });
    return state;
  }

  @Test
  void batchesOfOneStepCountAsOneBatch() throws IOException {
    AdamW adamW = new AdamW(0, 0, 1);
    try (TrainingEngine whole = open(EngineKind.SESSION, adamW, fresh());
        TrainingEngine parts = open(EngineKind.SESSION, adamW, fresh());
        TensorScope scope = new TensorScope()) {
      for (int step = 0; step < 5; step++) {
        float one = whole.accumulate(feeds(scope, 0, 3), 1);
        float first = parts.accumulate(feeds(scope, 0, 1), 1.0 / 3);
        float rest = parts.accumulate(feeds(scope, 1, 3), 2.0 / 3);
        // The same products, added in another order.
        assertThat((first + 2 * rest) / 3).isCloseTo(one, within(1e-5f));
        whole.update(0.01);
        parts.update(0.01);
      }
      for (int i = 0; i < 4; i++) {
        assertThat(parts.parameters().get(i).floats())
            .containsExactly(whole.parameters().get(i).floats(), within(1e-4f));
      }
    }
  }

  @Test
  void loraPlusMovesBAndVectorsFurther() throws IOException {
    Checkpoint start = fresh();
    Checkpoint plain = after(EngineKind.SESSION, new AdamW(0, 0, 1), start, 1);
    Checkpoint plus = after(EngineKind.SESSION, new AdamW(0, 0, 16), start, 1);
    for (int i : List.of(0, 2)) {
      assertThat(bytes(plus.trainable().subList(i, i + 1)))
          .isEqualTo(bytes(plain.trainable().subList(i, i + 1)));
    }
    // B and the head's bias, as PEFT's LoRA+ has it.
    for (int i : List.of(1, 3)) {
      float[] expected = plain.trainable().get(i).floats();
      float[] from = start.trainable().get(i).floats();
      for (int k = 0; k < expected.length; k++) {
        expected[k] = from[k] + 16 * (expected[k] - from[k]);
      }
      assertThat(plus.trainable().get(i).floats()).containsExactly(expected, within(1e-6f));
    }
  }

  @Test
  void biasesAreNotDecayed() throws IOException {
    Checkpoint start = fresh(1);
    Checkpoint kept = after(EngineKind.SESSION, new AdamW(0, 0, 1), start, 1);
    Checkpoint decayed = after(EngineKind.SESSION, new AdamW(0.5, 0, 1), start, 1);
    assertThat(bytes(decayed.trainable().subList(3, 4)))
        .isEqualTo(bytes(kept.trainable().subList(3, 4)));
    assertThat(decayed.trainable().get(2).floats()).isNotEqualTo(kept.trainable().get(2).floats());
  }

  private Checkpoint after(EngineKind kind, AdamW adamW, Checkpoint start, int steps)
      throws IOException {
    try (TrainingEngine engine = open(kind, adamW, start);
        TensorScope scope = new TensorScope()) {
      for (int step = 0; step < steps; step++) {
        engine.accumulate(feeds(scope, 0, 3), 1);
        engine.update(0.01);
      }
      return engine.checkpoint();
    }
  }

  private TrainingEngine open(EngineKind kind, AdamW adamW, Checkpoint start) throws IOException {
    TrainingStart from =
        new TrainingStart(bundle, start, adamW, false, false, SessionSettings.defaults());
    return switch (kind) {
      case SESSION -> SessionTrainingEngine.open(from);
      case ORT_TRAINING -> OrtTrainingEngine.open(from, Files.createTempDirectory(folder, "run"));
    };
  }

  private static Map<String, NativeTensor> feeds(TensorScope scope, int first, int end) {
    long[][] ids = {{2, 3}, {4, 0}, {6, 7}};
    long[][] mask = {{1, 1}, {1, 0}, {1, 1}};
    long[] labels = {0, 1, 1};
    int rows = end - first;
    Map<String, NativeTensor> feeds = new HashMap<>();
    feeds.put("lora_scaling", scope.floats(new float[] {2}));
    feeds.put("labels", scope.longs(Arrays.copyOfRange(labels, first, end), rows));
    feeds.put("attention_mask", scope.longs(flat(mask, first, end), rows, 2));
    feeds.put("input_ids", scope.longs(flat(ids, first, end), rows, 2));
    return feeds;
  }

  private static long[] flat(long[][] rows, int first, int end) {
    return Arrays.stream(rows, first, end).flatMapToLong(Arrays::stream).toArray();
  }

  private static Checkpoint fresh() {
    return fresh(0);
  }

  /** A starting point whose last parameter, a bias, is this. */
  private static Checkpoint fresh(float bias) {
    List<Tensor> start =
        new ArrayList<>(
            new ParameterInitializer(42).tensors(bundle.manifest().parameters(), Sizes.of(4, 2)));
    Tensor last = start.getLast();
    float[] values = last.floats();
    Arrays.fill(values, bias);
    start.set(start.size() - 1, Tensor.ofFloats(last.name(), last.shape(), values));
    return Checkpoint.fresh(start);
  }

  private static List<ByteBuffer> bytes(List<Tensor> tensors) {
    return tensors.stream()
        .map(tensor -> ByteBuffer.wrap(tensor.data().toArray(ValueLayout.JAVA_BYTE)))
        .toList();
  }

  /** Parameters by name, as ONNX Runtime keeps them in an order of its own. */
  private static Map<String, Tensor> byName(Checkpoint checkpoint) {
    return checkpoint.trainable().stream()
        .collect(Collectors.toMap(Tensor::name, Function.identity()));
  }
}
