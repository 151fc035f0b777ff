package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptTest extends ModelMethodContract {
  @Override
  String method() {
    return "prompt";
  }

  @Test
  void promptStartsAsTheTextOverAndOver() throws IOException {
    Bundle bundle = prepared("prompt:init=text;text=w7 w9");
    float[] start = start(bundle, 3, 1);
    Tensor table = table(bundle);
    int width = start.length / 3;
    int[] expected = {7, 9, 7};
    for (int token = 0; token < 3; token++) {
      int row = expected[token] * width;
      assertThat(Arrays.copyOfRange(start, token * width, (token + 1) * width))
          .containsExactly(Arrays.copyOfRange(table.floats(), row, row + width), within(1e-6f));
    }
  }

  @Test
  void promptStartsAsTokensThatTheSeedDraws() throws IOException {
    Bundle bundle = prepared("prompt");
    float[] start = start(bundle, 3, 1);
    assertThat(start(bundle, 3, 1)).isEqualTo(start);
    assertThat(start(bundle, 3, 2)).isNotEqualTo(start);
    float[] rows = table(bundle).floats();
    int width = start.length / 3;
    boolean found = false;
    for (int row = 0; row < rows.length; row += width) {
      found |= distance(rows, row, start, width) < 1e-5;
    }
    assertThat(found).isTrue();
  }

  private static double distance(float[] rows, int from, float[] first, int width) {
    double distance = 0;
    for (int i = 0; i < width; i++) {
      distance += Math.abs(rows[from + i] - first[i]);
    }
    return distance;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "prompt:init=warm            | expected random, vocabulary or text",
        "prompt:init=text            | expected text=SOME WORDS",
        "prompt:init=random;text=w3  | expected init=text",
        "prompt:words=3              | it has targets, exclude, layers, init, text",
      })
  void settingsThatContradictAreRefused(String method, String message) {
    assertThatThrownBy(() -> MethodChoice.parse(method, SiteChoice.of("")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void dropoutIsRefused() {
    PrepareRequest request = request("prompt");
    assertThatThrownBy(() -> request.with(request.training().withDropout()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lora-dropout")
        .hasMessageContaining("prompt");
  }

  /** What a run that hardly moves has learned. */
  private float[] start(Bundle bundle, int tokens, long seed) throws IOException {
    TrainingPlan usual = TrainingPlan.defaults();
    TrainingPlan plan =
        usual
            .with(AdapterPlan.lora(1, 1).with(Size.TOKENS, tokens))
            .with(usual.passes().withMaxSteps(1))
            .with(new LearningRate.Constant(1e-9, 0))
            .withSeed(seed);
    Dataset data =
        Dataset.read(
            Files.writeString(
                folder.resolve("pairs.jsonl"),
                "{\"text\": \"w3 w4\", \"text_pair\": \"w4\"}\n".repeat(4)));
    Path out = folder.resolve("start");
    new Trainer(bundle, plan, _ -> {}).train(new TrainingData(data, Optional.empty()), out);
    return PeftAdapter.read(out).weights().tensor("prompt_embeddings").orElseThrow().floats();
  }

  private static Tensor table(Bundle bundle) {
    return OnnxReader.read(OnnxFile.read(bundle.file(Bundle.EVAL_MODEL)))
        .graph()
        .constants()
        .stream()
        .filter(value -> value.name().contains("word_embeddings"))
        .findFirst()
        .orElseThrow()
        .constant()
        .orElseThrow();
  }

  private Bundle prepared(String method) {
    return GraphTools.prepare(request(method)).bundle();
  }

  private PrepareRequest request(String method) {
    return new PrepareRequest(
            Fixtures.export("bert_opset17"),
            Bundles.tokenizer(folder, 40),
            Task.EMBEDDING,
            SiteChoice.of(""),
            Pooling.MEAN,
            OptionalInt.empty(),
            folder.resolve("bundle"))
        .withMethods(List.of(MethodChoice.parse(method, SiteChoice.of(""))));
  }
}
