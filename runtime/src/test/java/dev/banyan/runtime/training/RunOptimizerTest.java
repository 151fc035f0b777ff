package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import dev.banyan.runtime.ort.TrainingFiles;
import dev.banyan.runtime.ort.TrainingSession;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunOptimizerTest {
  private static final int PARAMETERS = 4;

  @TempDir Path folder;
  private Bundle bundle;

  @BeforeEach
  void prepare() {
    bundle = TinyBundle.write(folder.resolve("bundle"));
  }

  @Test
  void clippingInPlainOperatorsEqualsOrtsOwn() {
    // The bundle's graph clips at 1.0 and decays by 0.01 with ORT's kernels.
    float[] own = losses(bundle.file(Bundle.OPTIMIZER_MODEL));
    // The order of a 32-bit sum is all that differs; AdamW carries it on for 20 steps.
    assertThat(losses(written(0.01, 1.0))).containsExactly(own, within(1e-4f));
  }

  @Test
  void clipAndDecayTakeEffect() {
    float[] plain = losses(written(0, 0));
    assertThat(losses(written(0, 1e9))).containsExactly(plain, within(1e-4f));
    // A clip that ends within the 1e-8 that AdamW divides by shrinks the updates.
    float[] clipped = losses(written(0, 1e-9));
    assertThat(clipped[19]).isGreaterThan(plain[19] + 0.05f);
    assertThat(losses(written(0.9, 0))[19]).isNotCloseTo(plain[19], within(1e-3f));
  }

  @Test
  void graphWithoutAdamWIsRefused() {
    RunOptimizer optimizer = new RunOptimizer(0, 1, PARAMETERS);
    assertThatThrownBy(
            () -> optimizer.write(bundle.file(Bundle.EVAL_MODEL), folder.resolve("o.onnx")))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("no node AdamWOptimizer");
  }

  private Path written(double weightDecay, double clip) {
    Path file = folder.resolve("optimizer-%s-%s.onnx".formatted(weightDecay, clip));
    new RunOptimizer(weightDecay, clip, PARAMETERS)
        .write(bundle.file(Bundle.OPTIMIZER_MODEL), file);
    return file;
  }

  /** The first 20 losses over one batch; inputs are handed over in no particular order. */
  private float[] losses(Path optimizer) {
    TrainingFiles files =
        new TrainingFiles(
            bundle.file(Bundle.CHECKPOINT),
            bundle.file(Bundle.TRAINING_MODEL),
            optimizer,
            Optional.empty());
    float[] losses = new float[20];
    try (TrainingSession session = TrainingSession.open(files, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      feeds.put("lora_scaling", scope.floats(new float[] {2}));
      feeds.put("labels", scope.longs(new long[] {0, 1, 1}, 3));
      feeds.put("attention_mask", scope.longs(new long[] {1, 1, 1, 0, 1, 1}, 3, 2));
      feeds.put("input_ids", scope.longs(new long[] {2, 3, 4, 0, 6, 7}, 3, 2));
      for (int step = 0; step < losses.length; step++) {
        session.lazyResetGrad();
        try (OutputTensors outputs = session.trainStep(feeds)) {
          losses[step] = outputs.scalar("loss");
        }
        session.setLearningRate(0.01f);
        session.optimizerStep();
      }
    }
    return losses;
  }
}
