package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One bundle of all-MiniLM-L6-v2 in every way it is used. */
class MiniLmBundleTest {
  private static final int VOCABULARY = 30522;
  private static final int HIDDEN = 384;
  private static final int RANK = 4;
  private static final int LABELS = 3;
  private static final int SLOTS = 33;

  /** Rows of one batch share matrix products, which add up in another order than alone. */
  private static final float ROW_TOLERANCE = 1e-5f;

  @TempDir static Path folder;
  private static Bundle bundle;
  private static ServingRun serving;

  @BeforeAll
  static void prepare() {
    bundle = Bundles.miniLm(folder, Task.TEXT_CLASSIFICATION, "query,value");
    serving = new ServingRun(bundle, SLOTS, RANK, LABELS);
  }

  @AfterAll
  static void release() {
    serving.close();
  }

  private static RandomBatch batch(int rows, int length) {
    return RandomBatch.of(new SplittableRandom(11), VOCABULARY, rows, length);
  }

  @Test
  void slotZeroIsTheOriginalModel() {
    RandomBatch batch = batch(5, 31);
    try (OriginalModel original =
        new OriginalModel(
            folder.resolve("all-minilm-l6-v2.onnx"),
            "last_hidden_state",
            Pooling.MEAN,
            SessionSettings.defaults())) {
      // The base's own operators run in both; only pooling is computed another way here.
      assertClose(serving.run(batch, "embeddings", 0, 0, 0, 0, 0), original.embed(batch), 1e-6f);
    }
  }

  @Test
  void eachOfThirtyTwoAdaptersInABatchAnswersAsItDoesAlone() {
    RandomBatch batch = batch(32, 17);
    long[] slots = LongStream.rangeClosed(1, 32).toArray();
    float[] embeddings = serving.run(batch, "embeddings", slots);
    float[] logits = serving.run(batch, "logits", slots);
    for (int row = 0; row < 32; row++) {
      assertClose(
          Arrays.copyOfRange(embeddings, row * HIDDEN, (row + 1) * HIDDEN),
          serving.run(batch.row(row), "embeddings", slots[row]),
          ROW_TOLERANCE);
      assertClose(
          Arrays.copyOfRange(logits, row * LABELS, (row + 1) * LABELS),
          serving.run(batch.row(row), "logits", slots[row]),
          ROW_TOLERANCE);
    }
  }

  @Test
  void adaptersOfABatchChangeTheirRows() {
    RandomBatch batch = batch(2, 9);
    assertThat(serving.run(batch, "embeddings", 1, 2))
        .isNotEqualTo(serving.run(batch, "embeddings", 2, 1));
  }

  @Test
  void aServedAdapterScoresAsItDoesInTheEvalGraph() {
    RandomBatch batch = batch(4, 13);
    int slot = 5;
    try (InferenceSession eval =
            InferenceSession.open(bundle.file(Bundle.EVAL_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new LinkedHashMap<>();
      for (String input : bundle.manifest().text().inputs()) {
        feeds.put(input, batch.feed(scope, input));
      }
      feeds.put("labels", scope.longs(new long[4], 4));
      feeds.putAll(TrainingRun.feeds(scope, TrainingRun.plainLoss(new LinkedHashMap<>(), LABELS)));
      feeds.putAll(
          TrainingRun.feeds(scope, Map.of("lora_scaling", TrainingRun.scaling(bundle, 2f))));
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        float[] values = serving.parameter(spec, slot);
        if (spec.scaled()) {
          // The bank has the scaling folded in, which the eval graph applies itself.
          for (int i = 0; i < values.length; i++) {
            values[i] /= 2f;
          }
        }
        feeds.put(spec.name(), scope.floats(values, spec.shape(RANK, LABELS).toArray()));
      }
      try (OutputTensors out = eval.run(feeds, List.of("logits"))) {
        assertClose(
            out.floats("logits"),
            serving.run(batch, "logits", slot, slot, slot, slot),
            ROW_TOLERANCE);
      }
    }
  }

  @Test
  void oneBundleTrainsEveryRankAndNumberOfLabels() {
    assertThat(losses(2, 2)).satisfies(MiniLmBundleTest::falls);
    assertThat(losses(16, 5)).satisfies(MiniLmBundleTest::falls);
  }

  @Test
  void theFourArtifactsTrainAsTheyAre() {
    List<Tensor> start = CheckpointFile.read(bundle.file(Bundle.CHECKPOINT)).trainable();
    assertThat(start.stream().map(Tensor::name))
        .containsExactlyInAnyOrderElementsOf(
            bundle.manifest().parameters().stream().map(ParameterSpec::name).toList());
    assertThat(TrainingRun.losses(bundle, start, toyBatch(2), folder, 5))
        .satisfies(MiniLmBundleTest::falls);
  }

  @Test
  void frozenWeightsLieOnDiskOnce() throws IOException {
    long source = Files.size(folder.resolve("all-minilm-l6-v2.onnx"));
    long weights = Files.size(bundle.file(Bundle.BASE_DATA));
    assertThat(weights).isBetween(source * 95 / 100, source);
    for (String graph :
        List.of(
            Bundle.TRAINING_MODEL,
            Bundle.GRADIENT_MODEL,
            Bundle.EVAL_MODEL,
            Bundle.SERVING_MODEL)) {
      assertThat(Files.size(bundle.file(graph))).as(graph).isLessThan(source / 100);
    }
  }

  @Test
  void manifestDescribesTheBundle() {
    assertThat(bundle.manifest().adapter().sites())
        .hasSize(12)
        .startsWith("encoder.layer.0.attention.self.query", "encoder.layer.0.attention.self.value");
    assertThat(bundle.manifest().adapter().peftPrefix()).isEqualTo("bert");
    assertThat(bundle.manifest().base().hidden()).isEqualTo(HIDDEN);
    assertThat(bundle.manifest().base().frozenParameters()).isBetween(22_500_000L, 22_800_000L);
    assertThat(bundle.manifest().text().inputs())
        .containsExactly("input_ids", "attention_mask", "token_type_ids");
    assertThat(bundle.manifest().text().maxLength()).isEqualTo(256);
  }

  private static List<Float> losses(int rank, int labels) {
    List<Tensor> start =
        new ParameterInitializer(1).tensors(bundle.manifest().parameters(), Sizes.of(rank, labels));
    return TrainingRun.losses(bundle, start, toyBatch(labels), folder, 8);
  }

  /** Random texts, each with a label of its own kind, which a model can learn by heart. */
  private static Map<String, Tensor> toyBatch(int labels) {
    SplittableRandom random = new SplittableRandom(3);
    long[] ids = LongStream.generate(() -> random.nextLong(2000, VOCABULARY)).limit(48).toArray();
    long[] ones = LongStream.generate(() -> 1).limit(48).toArray();
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put("input_ids", Tensor.ofLongs("input_ids", Shape.of(6, 8), ids));
    batch.put("attention_mask", Tensor.ofLongs("attention_mask", Shape.of(6, 8), ones));
    batch.put("token_type_ids", Tensor.ofLongs("token_type_ids", Shape.of(6, 8), new long[48]));
    batch.put(
        "labels",
        Tensor.ofLongs(
            "labels", Shape.of(6), LongStream.range(0, 6).map(i -> i % labels).toArray()));
    batch.put("lora_scaling", TrainingRun.scaling(bundle, 2f));
    return TrainingRun.plainLoss(batch, labels);
  }

  private static void falls(List<? extends Float> losses) {
    List<Float> sorted = new ArrayList<>(losses);
    sorted.sort((a, b) -> Float.compare(b, a));
    assertThat(losses).as("each loss is below the one before").isEqualTo(sorted);
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.01f);
  }

  private static void assertClose(float[] seen, float[] expected, float tolerance) {
    assertThat(seen).hasSameSizeAs(expected);
    assertThat(seen).containsExactly(expected, within(tolerance));
  }
}
