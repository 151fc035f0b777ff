package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Learned tokens before the texts of decoders as real exporters write them. */
class DecoderTokensTest {
  private static final int VOCABULARY = Bundles.DECODER_VOCABULARY;
  private static final int ROWS = 3;
  private static final int LENGTH = 7;
  private static final int ROOM = 4;

  /** Tokens of the adapter in each slot. */
  private static final long[] COUNTS = {0, 3, 1};

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "llama_dynamo18, prompt", "llama_opset14, prompt", "gpt2_dynamo19, prompt",
    "qwen2_opset17, prompt", "gemma_dynamo19, prompt", "llama_dynamo18, prefix",
    "llama_opset14, prefix", "gpt2_dynamo19, prefix", "gpt2_opset16, prefix",
    "qwen2_dynamo20, prefix", "qwen2_opset17, prefix", "gemma_dynamo19, prefix",
    "gemma_opset18, prefix"
  })
  void whatIsServedBesideOthersIsWhatWasTrained(String export, String method) {
    Bundle bundle = prepare(export, method);
    long[] ids = new Random(3).longs(ROWS * LENGTH, 2, VOCABULARY).toArray();
    float[] mixed = serve(bundle, ids, 0, 1, 2);
    for (int row = 0; row < ROWS; row++) {
      long[] text = Arrays.copyOfRange(ids, row * LENGTH, (row + 1) * LENGTH);
      float[] own =
          Arrays.copyOfRange(mixed, row * LENGTH * VOCABULARY, (row + 1) * LENGTH * VOCABULARY);
      // Float32 sums over columns of other numbers; the logits are of about 1.
      assertThat(own).containsExactly(serve(bundle, text, row), within(1e-4f));
      List<Float> trained = judge(bundle, text, row);
      assertThat(trained).hasSize(LENGTH - 1);
      for (int token = 1; token < LENGTH; token++) {
        double expected = logProbability(own, token - 1, text[token]);
        assertThat((double) trained.get(token - 1)).isCloseTo(expected, within(1e-4));
      }
    }
  }

  @Test
  void promptOfADecoderIsLearned() throws IOException {
    Bundle bundle = prepare("llama_dynamo18", "prompt");
    StringBuilder lines = new StringBuilder();
    for (int i = 2; i < 26; i++) {
      lines.append("{\"prompt\": \"w%d \", \"completion\": \"w50 w51 w52\"}%n".formatted(i));
    }
    Dataset data = Dataset.read(Files.writeString(folder.resolve("data.jsonl"), lines));
    TrainingPlan usual = TrainingPlan.defaults();
    TrainingPlan plan =
        usual
            .with(AdapterPlan.lora(1, 1).with(Size.TOKENS, 3))
            .with(usual.passes().withEpochs(30))
            .with(new LearningRate.Constant(0.3, 0));
    List<Float> losses =
        new Trainer(bundle, plan, _ -> {})
            .train(new TrainingData(data, Optional.empty()), folder.resolve("adapter"))
            .losses();
    assertThat(losses.getLast()).isLessThan(0.8f * losses.getFirst());

    TrainingPlan packed = plan.with(plan.passes().withPack(16));
    assertThatThrownBy(() -> new Trainer(bundle, packed, _ -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pack is 16");
  }

  private static double logProbability(float[] logits, int row, long token) {
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) {
      sum += Math.exp(logits[row * VOCABULARY + i]);
    }
    return logits[row * VOCABULARY + Math.toIntExact(token)] - Math.log(sum);
  }

  private static float[] numbers(ParameterSpec spec, long tokens) {
    Sizes sizes = Sizes.of(1, 1).with(Size.TOKENS, Math.toIntExact(tokens));
    float[] values = new float[Math.toIntExact(spec.shape(sizes).elements())];
    Random random = new Random(tokens);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static float[] serve(Bundle bundle, long[] ids, long... slots) {
    try (TensorScope scope = new TensorScope();
        InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.SERVING_MODEL), SessionSettings.defaults())) {
      Map<String, NativeTensor> feeds = new HashMap<>(TrainingRun.feeds(scope, texts(ids)));
      feeds.put("adapter_ids", scope.longs(slots, slots.length));
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        List<Long> dims = new ArrayList<>(List.of((long) COUNTS.length));
        dims.addAll(spec.shape(Sizes.of(1, 1).with(Size.TOKENS, ROOM)).dims());
        Shape shape = new Shape(dims);
        float[] bank = new float[Math.toIntExact(shape.elements())];
        for (int slot = 0; slot < COUNTS.length; slot++) {
          float[] own = numbers(spec, COUNTS[slot]);
          System.arraycopy(own, 0, bank, slot * bank.length / COUNTS.length, own.length);
        }
        feeds.put(spec.bankName(), scope.floats(bank, shape.toArray()));
        feeds.put(spec.countName(), scope.longs(COUNTS, COUNTS.length));
      }
      feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
      try (OutputTensors out = session.run(feeds, List.of("logits"))) {
        return out.floats("logits");
      }
    }
  }

  private static List<Float> judge(Bundle bundle, long[] text, int slot) {
    List<Tensor> parameters = new ArrayList<>();
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      Sizes sizes = Sizes.of(1, 1).with(Size.TOKENS, Math.toIntExact(COUNTS[slot]));
      parameters.add(Tensor.ofFloats(spec.name(), spec.shape(sizes), numbers(spec, COUNTS[slot])));
    }
    Map<String, Tensor> batch = texts(text);
    batch.put("segment_ids", Tensor.ofLongs("segment_ids", Shape.of(1, LENGTH), ones()));
    batch.put("labels", Tensor.ofLongs("labels", Shape.of(1, LENGTH), text));
    if (!bundle.manifest().text().inputs().contains("position_ids")) {
      batch.remove("position_ids");
    }
    return TrainingRun.pass(bundle, parameters, batch).prediction();
  }

  private static long[] ones() {
    long[] ones = new long[LENGTH];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static Map<String, Tensor> texts(long[] ids) {
    Shape shape = Shape.of(ids.length / LENGTH, LENGTH);
    long[] positions = new long[ids.length];
    Arrays.setAll(positions, i -> i % LENGTH);
    Map<String, Tensor> texts = new LinkedHashMap<>();
    texts.put("input_ids", Tensor.ofLongs("input_ids", shape, ids));
    texts.put("position_ids", Tensor.ofLongs("position_ids", shape, positions));
    return texts;
  }

  private Bundle prepare(String export, String method) {
    return Bundles.decoder(Fixtures.family(export), method, "", folder);
  }
}
