package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses against what PyTorch computed ({@code benchmarks/parity/record_losses.py}). */
class LossTest {
  /** PyTorch computed in float64; these numbers are below 15 and have some seven digits. */
  private static final float TOLERANCE = 3e-6f;

  @TempDir Path folder;

  static Stream<Arguments> recorded() throws IOException {
    Path file = Fixtures.export("losses").resolveSibling("losses.json");
    JsonNode cases = new JsonMapper().readTree(file.toFile()).path("cases");
    return IntStream.range(0, cases.size())
        .mapToObj(cases::get)
        .flatMap(
            loss ->
                Stream.of(11, 12, 17)
                    .map(opset -> Arguments.of(loss.path("name").asText(), opset, loss)));
  }

  @ParameterizedTest(name = "{0}, operator set {1}")
  @MethodSource("recorded")
  void valueAndGradientArePyTorchs(String name, int opset, JsonNode recorded) {
    Map<String, Tensor> fed = new LinkedHashMap<>();
    for (var field : recorded.path("fed").properties()) {
      boolean ids = recorded.path("kind").asText().equals("cross-entropy");
      fed.put(field.getKey(), tensor(field.getValue(), ids && field.getKey().equals("labels")));
    }
    Tensor prediction = tensor(recorded.path("prediction"), false);
    LossRun run = LossRun.of(loss(recorded, prediction), opset, prediction, fed, folder);

    double loss = recorded.path("loss").asDouble();
    assertThat((double) run.loss()).as(name).isCloseTo(loss, within(loss * TOLERANCE));
    assertThat(run.gradient())
        .as("gradient of " + name)
        .containsExactly(tensor(recorded.path("gradient"), false).floats(), within(TOLERANCE));
  }

  private static Function<Graph, Loss> loss(JsonNode recorded, Tensor prediction) {
    long last = prediction.shape().dim(-1);
    return switch (recorded.path("kind").asText()) {
      case "cross-entropy" ->
          prediction.shape().rank() == 2
              ? graph -> Loss.CrossEntropy.over(graph, Dim.of("batch"))
              : graph -> Loss.CrossEntropy.over(graph, Dim.of("batch"), Dim.of("sequence"));
      case "binary-cross-entropy" -> Loss.BinaryCrossEntropy::over;
      case "squared-error" -> Loss.SquaredError::over;
      case "contrastive" ->
          _ ->
              new Loss.InBatchContrastive(
                  last, recorded.path("texts").asInt(), recorded.path("temperature").asDouble());
      case "cosine-error" -> graph -> Loss.CosineError.over(graph, last);
      default -> throw new AssertionError("No such loss: " + recorded.path("kind"));
    };
  }

  @Test
  void tokensWithoutALabelHaveNoInfluence() {
    float[] scores = {1, 2, 3, 0.5f, -1, 2, /* ignored: */ 4, 4, -4, /* counted: */ 0, 1, 0};
    float[] others = scores.clone();
    Arrays.fill(others, 6, 9, 1e4f);
    LossRun first = tags("first", scores, 3, 2, 0, -100, 1);
    LossRun second = tags("second", others, 3, 2, 0, -100, 1);
    assertThat(second.loss()).isEqualTo(first.loss());
    assertThat(second.gradient()).isEqualTo(first.gradient());
    assertThat(Arrays.copyOfRange(first.gradient(), 6, 9)).containsOnly(0f);
    assertThat(Arrays.copyOfRange(first.gradient(), 9, 12)).doesNotContain(0f);
  }

  @Test
  void ignoredLabelIsNoClassOfManyCountedFromTheEnd() {
    // With 128 classes, -100 counted from the end would be class 28.
    float[] scores = new float[2 * 128];
    scores[128 + 28] = 9;
    LossRun run = tags("many", scores, 128, 5, -100);
    // The one row that counts is even over its classes, so its loss is the logarithm of 128.
    assertThat((double) run.loss()).isCloseTo(Math.log(128), within(1e-5));
    assertThat(Arrays.copyOfRange(run.gradient(), 128, 256)).containsOnly(0f);
  }

  @Test
  void batchInWhichNothingCountsLearnsNothing() {
    LossRun run = tags("none", new float[] {1, 2, 3, 4}, 2, -100, -100);
    assertThat(run.loss()).isZero();
    assertThat(run.gradient()).containsOnly(0f);
  }

  private LossRun tags(String name, float[] scores, int classes, long... labels) {
    Path own = folder.resolve(name);
    assertThat(own.toFile().mkdir()).isTrue();
    float[] weights = new float[classes];
    Arrays.fill(weights, 1);
    return LossRun.of(
        graph -> Loss.CrossEntropy.over(graph, Dim.of("batch"), Dim.of("sequence")),
        17,
        Tensor.ofFloats("scores", Shape.of(1, labels.length, classes), scores),
        Map.of(
            "labels",
            Tensor.ofLongs("labels", Shape.of(1, labels.length), labels),
            "label_smoothing",
            Tensor.ofFloats("label_smoothing", Shape.SCALAR, 0.1f),
            "class_weights",
            Tensor.ofFloats("class_weights", Shape.of(classes), weights)),
        own);
  }

  private static Tensor tensor(JsonNode json, boolean ids) {
    long[] dims = longs(json.path("shape"));
    if (ids) {
      return Tensor.ofLongs("recorded", Shape.of(dims), longs(json.path("values")));
    }
    float[] floats = new float[json.path("values").size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = json.path("values").path(i).floatValue();
    }
    return Tensor.ofFloats("recorded", Shape.of(dims), floats);
  }

  private static long[] longs(JsonNode list) {
    return IntStream.range(0, list.size()).mapToLong(i -> list.get(i).longValue()).toArray();
  }
}
