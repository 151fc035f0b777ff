package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareReport;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.InferenceFailure;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.SessionSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Decoders as real exporters write them. */
class DecoderBundleTest {
  private static final int RANK = 3;
  private static final long IGNORED = -100;
  private static final long[][] TEXTS = {
    {5, 17, 3, 44, 12, 9, 31}, {8, 2, 51, 33}, {40, 41, 7, 7, 19}
  };

  /** How many tokens at the front of each text are not learned. */
  private static final int[] PROMPTS = {3, 1, 2};

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "llama_dynamo18, PLAIN", "llama_opset14, FUSED", "gpt2_dynamo19, FUSED", "gpt2_opset16, PLAIN",
    "qwen2_dynamo20, PLAIN", "qwen2_opset17, FUSED", "gemma_dynamo19, FUSED", "gemma_opset18, PLAIN"
  })
  void textsThatShareARowAreLearnedAsIfEachWereAlone(String export, Emission gradients) {
    PrepareReport report = prepare("families/" + export, gradients);
    assertThat(report.difference()).isLessThan(1e-3);
    Bundle bundle = report.bundle();
    List<Tensor> parameters = parameters(bundle);

    TrainingRun.Pass packed =
        TrainingRun.pass(bundle, parameters, batch(bundle, List.of(List.of(0, 1), List.of(2))));
    Map<String, double[]> sums = new LinkedHashMap<>();
    List<Float> predictions = new ArrayList<>();
    int counted = 0;
    double loss = 0;
    for (int text = 0; text < TEXTS.length; text++) {
      int tokens = TEXTS[text].length - PROMPTS[text];
      TrainingRun.Pass alone =
          TrainingRun.pass(bundle, parameters, batch(bundle, List.of(List.of(text))));
      counted += tokens;
      loss += tokens * (double) alone.loss();
      predictions.addAll(alone.prediction());
      alone.gradients().forEach((name, values) -> add(sums, name, values, tokens));
    }

    // Float32: the rotary angles and the order of sums are others.
    assertThat((double) packed.loss()).isCloseTo(loss / counted, Offset.offset(1e-5));
    assertThat(packed.prediction()).hasSize(counted);
    for (int i = 0; i < counted; i++) {
      assertThat(packed.prediction().get(i)).isCloseTo(predictions.get(i), Offset.offset(1e-4f));
    }
    assertThat(packed.gradients().keySet()).isEqualTo(sums.keySet());
    for (var entry : packed.gradients().entrySet()) {
      requireSame(
          entry.getKey(),
          entry.getValue(),
          Objects.requireNonNull(sums.get(entry.getKey())),
          counted);
    }
  }

  @Test
  void servingIsRefusedByName() {
    Bundle bundle = prepare("families/llama_dynamo18", Emission.PLAIN).bundle();
    ServingPlan plan = new ServingPlan(1, 8, 1, SessionSettings.defaults());
    assertThatThrownBy(() -> BaseModel.open(bundle, plan))
        .isInstanceOf(InferenceFailure.GraphMismatch.class)
        .hasMessageContaining("causal-lm");
  }

  private static void add(Map<String, double[]> sums, String name, float[] values, int weight) {
    double[] sum = sums.computeIfAbsent(name, _ -> new double[values.length]);
    for (int i = 0; i < values.length; i++) {
      sum[i] += (double) weight * values[i];
    }
  }

  private static void requireSame(String name, float[] seen, double[] sum, int counted) {
    double apart = 0;
    double length = 0;
    for (int i = 0; i < seen.length; i++) {
      apart = Math.hypot(apart, seen[i] - sum[i] / counted);
      length = Math.hypot(length, sum[i] / counted);
    }
    assertThat(length).as(name).isPositive();
    assertThat(apart / length).as(name).isLessThan(1e-4);
  }

  private PrepareReport prepare(String export, Emission gradients) {
    return GraphTools.prepare(
        new PrepareRequest(
                Fixtures.export(export),
                Bundles.tokenizer(folder, 60),
                Task.CAUSAL_LM,
                SiteChoice.of("all-linear"),
                Pooling.MEAN,
                gradients,
                OptionalInt.of(16),
                folder.resolve("bundle"))
            .with(new LanguageChoice(Optional.of("w1"), Optional.empty())));
  }

  /** Both halves of each adapter are random: a zero would hide the other half's gradient. */
  private static List<Tensor> parameters(Bundle bundle) {
    Random random = new Random(5);
    return new ParameterInitializer(1)
        .tensors(bundle.manifest().parameters(), Sizes.of(RANK, 1)).stream()
            .map(
                tensor -> {
                  float[] values = new float[Math.toIntExact(tensor.shape().elements())];
                  for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (0.1 * random.nextGaussian());
                  }
                  return Tensor.ofFloats(tensor.name(), tensor.shape(), values);
                })
            .toList();
  }

  private static Map<String, Tensor> batch(Bundle bundle, List<List<Integer>> rows) {
    int length =
        rows.stream()
            .mapToInt(row -> row.stream().mapToInt(text -> TEXTS[text].length).sum())
            .max()
            .orElseThrow();
    Shape shape = Shape.of(rows.size(), length);
    long[] ids = new long[rows.size() * length];
    long[] positions = new long[ids.length];
    long[] segments = new long[ids.length];
    long[] labels = new long[ids.length];
    Arrays.fill(labels, IGNORED);
    for (int row = 0; row < rows.size(); row++) {
      int at = row * length;
      for (int i = 0; i < rows.get(row).size(); i++) {
        int text = rows.get(row).get(i);
        for (int token = 0; token < TEXTS[text].length; token++, at++) {
          ids[at] = TEXTS[text][token];
          positions[at] = token;
          segments[at] = i + 1L;
          labels[at] = token < PROMPTS[text] ? IGNORED : ids[at];
        }
      }
    }
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put("input_ids", Tensor.ofLongs("input_ids", shape, ids));
    if (bundle.manifest().text().inputs().contains("position_ids")) {
      batch.put("position_ids", Tensor.ofLongs("position_ids", shape, positions));
    }
    batch.put("segment_ids", Tensor.ofLongs("segment_ids", shape, segments));
    batch.put("labels", Tensor.ofLongs("labels", shape, labels));
    batch.put("lora_scaling", TrainingRun.scaling(bundle, 2f));
    return batch;
  }
}
