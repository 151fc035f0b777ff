package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.PrepareRequest.WeightChoice;
import dev.banyan.graph.QuantizeRequest;
import dev.banyan.graph.QuantizeRequest.Destination;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.quantize.LayerChoice;
import dev.banyan.graph.quantize.Quantization;
import dev.banyan.graph.quantize.Scheme;
import dev.banyan.runtime.ort.SessionSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@code banyan quantize} makes of a model is trained and served like any other. */
class QuantizedBaseTest {
  private static final int RANK = 4;
  private static final int LABELS = 3;

  @TempDir static Path models;
  @TempDir Path folder;

  private static Path miniLm = Path.of("");

  @BeforeAll
  static void copy() throws IOException {
    miniLm = Fixtures.miniLm(models);
  }

  static Stream<Quantization> quantizations() {
    return Stream.of(
        new Quantization(Scheme.NF4, 64, false, true),
        Quantization.of(Scheme.FP4),
        Quantization.of(Scheme.INT4),
        Quantization.of(Scheme.INT8));
  }

  @ParameterizedTest
  @MethodSource("quantizations")
  void miniLmLearnsAndIsServedInFewBits(Quantization quantization) throws IOException {
    Path model = quantize(miniLm, quantization);
    Bundle bundle = prepare(model, new WeightChoice(false), 30522);
    assertThat(bundle.manifest().adapter().sites()).hasSize(36);
    long layers = 4L * 6 * 1774464;
    assertThat(Files.size(bundle.file(Bundle.BASE_DATA))).isLessThan(86_000_000L - layers / 2);

    // As many as the floats that they stand for: embeddings, layers, biases and normalizations.
    assertThat(bundle.manifest().base().frozenParameters()).isEqualTo(22_565_376);

    List<Float> losses = losses(bundle, 30522, 6);
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.05f);

    RandomBatch batch = RandomBatch.of(new SplittableRandom(11), 30522, 3, 15);
    try (OriginalModel original =
            new OriginalModel(
                model, "last_hidden_state", Pooling.MEAN, SessionSettings.defaults());
        ServingRun serving = new ServingRun(bundle, 4, RANK, LABELS)) {
      // The same operators in both but for pooling.
      assertThat(serving.run(batch, "embeddings", 0, 0, 0))
          .containsExactly(original.embed(batch), within(2e-6f));
      float[] mixed = serving.run(batch, "logits", 1, 2, 3);
      float[] alone = serving.run(batch.row(1), "logits", 2);
      for (int i = 0; i < LABELS; i++) {
        // Rows of one batch share matrix products, which add up in another order than alone.
        assertThat(mixed[LABELS + i]).isCloseTo(alone[i], within(1e-5f));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dev.banyan.graph.quantize.QuantizeModelTest#quantizations")
  void everyLossIsThatOfTheStoredNumbersInFloats(Quantization quantization) throws IOException {
    Path model = quantize(Fixtures.export("bert_dynamo18"), quantization);
    Bundle kept = prepare(model, new WeightChoice(false), 40);
    Bundle floats = prepare(model, new WeightChoice(true), 40);
    assertThat(operators(kept))
        .contains(quantization.scheme().isOfCodes() ? "MatMulBnb4" : "MatMulNBits");
    assertThat(operators(floats)).doesNotContain("MatMulNBits", "MatMulBnb4");
    List<Float> onNumbers = losses(kept, 40, 8);
    List<Float> onFloats = losses(floats, 40, 8);
    for (int step = 0; step < 8; step++) {
      // Float32 sums in another order, and what AdamW makes of it in a few steps.
      assertThat(onNumbers.get(step)).isCloseTo(onFloats.get(step), within(1e-4f));
    }
  }

  @Test
  void layersOfCodesRunAgainWithTheSameBits() {
    Path model =
        quantize(Fixtures.export("bert_opset17"), new Quantization(Scheme.NF4, 16, false, true));
    Bundle once = prepare(model, new WeightChoice(false), 40);
    List<Float> losses = losses(once, 40, 4);
    Bundle again =
        GraphTools.prepare(
                new PrepareRequest(
                        model,
                        Bundles.tokenizer(folder, 40),
                        Task.TEXT_CLASSIFICATION,
                        SiteChoice.of("all-linear"),
                        Pooling.MEAN,
                        OptionalInt.empty(),
                        folder.resolve("again"))
                    .with(TrainingChoice.of(Emission.FUSED).withRecompute()))
            .bundle();
    // Both attentions run twice.
    assertThat(operators(once).stream().filter("Softmax"::equals).count()).isEqualTo(2);
    assertThat(operators(again).stream().filter("Softmax"::equals).count()).isEqualTo(4);
    assertThat(losses(again, 40, 4)).isEqualTo(losses);
  }

  @Test
  void aTokenTableInFewBitsIsKnownByItsRows() throws IOException {
    Path out = folder.resolve("table.onnx");
    GraphTools.quantize(
        new QuantizeRequest(
            Fixtures.export("bert_opset17"),
            new Quantization(Scheme.INT4, 16, false, false),
            new LayerChoice(false, true, Optional.empty()),
            new Destination(out, false)));
    Bundle bundle = prepare(out, new WeightChoice(false), 40);
    assertThat(operators(bundle)).contains("GatherBlockQuantized");
    List<Float> losses = losses(bundle, 40, 6);
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.01f);
  }

  private static List<String> operators(Bundle bundle) {
    return OnnxReader.read(OnnxFile.read(bundle.file(Bundle.GRADIENT_MODEL)))
        .graph()
        .nodes()
        .stream()
        .map(node -> node.op().type())
        .toList();
  }

  private Path quantize(Path model, Quantization quantization) {
    return Bundles.quantized(model, quantization, folder);
  }

  private Bundle prepare(Path model, WeightChoice weights, int vocabulary) {
    return GraphTools.prepare(
            new PrepareRequest(
                    model,
                    Bundles.tokenizer(folder, vocabulary),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("all-linear"),
                    Pooling.MEAN,
                    OptionalInt.empty(),
                    folder.resolve("bundle-" + weights.dequantized()))
                .with(weights))
        .bundle();
  }

  private List<Float> losses(Bundle bundle, int vocabulary, int steps) {
    List<Tensor> start =
        new ParameterInitializer(1).tensors(bundle.manifest().parameters(), Sizes.of(RANK, LABELS));
    SplittableRandom random = new SplittableRandom(3);
    long[] ids =
        LongStream.generate(() -> random.nextLong(vocabulary / 2, vocabulary)).limit(48).toArray();
    long[] ones = LongStream.generate(() -> 1).limit(48).toArray();
    Map<String, Tensor> batch = new LinkedHashMap<>();
    for (String input : bundle.manifest().text().inputs()) {
      long[] values =
          switch (input) {
            case "input_ids" -> ids;
            case "attention_mask" -> ones;
            default -> new long[48];
          };
      batch.put(input, Tensor.ofLongs(input, Shape.of(6, 8), values));
    }
    batch.put(
        "labels",
        Tensor.ofLongs("labels", Shape.of(6), LongStream.range(0, 6).map(i -> i % 3).toArray()));
    batch.put("lora_scaling", TrainingRun.scaling(bundle, 2f));
    return TrainingRun.losses(bundle, start, TrainingRun.plainLoss(batch, LABELS), folder, steps);
  }
}
