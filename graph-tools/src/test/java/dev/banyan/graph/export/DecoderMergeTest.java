package dev.banyan.graph.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.PrepareRequest.WeightChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.quantize.Quantization;
import dev.banyan.graph.quantize.Scheme;
import dev.banyan.graph.training.Bundles;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters inside the weights of decoders. */
class DecoderMergeTest {
  private static final long[] TOKENS = {2, 21, 33, 25, 3, 50, 12};

  /** Logits of about 1, whose sums are in another order. */
  private static final float TOLERANCE = 2e-5f;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama_opset14",
        "llama_dynamo18",
        "gpt2_opset16",
        "gpt2_dynamo19",
        "qwen2_opset17",
        "gemma_dynamo19"
      })
  void aMergedDecoderGivesTheLogitsOfTheServedAdapter(String family) {
    Path model = Fixtures.family(family);
    Bundle bundle = Bundles.decoder(model, "lora", "all-linear", folder);
    Path adapter =
        TrainedAdapter.write(bundle.manifest(), List.of(), any -> true, 0.2, folder.resolve("a"));
    Path out = folder.resolve("merged.onnx");
    MergeReport report = GraphTools.merge(new MergeRequest(bundle.dir(), adapter, out, false));

    assertThat(report.layers()).isEqualTo(bundle.manifest().adapter().sites().size());
    assertThat(report.answers().difference()).isLessThan(TOLERANCE);
    assertThat(logits(out)).containsExactly(served(bundle, adapter), within(TOLERANCE));
    assertThat(names(out)).isEqualTo(names(model));
  }

  @ParameterizedTest
  @CsvSource({
    "lora:targets=embed_tokens, 0.05",
    "dora, 0.02",
    "pissa, 0.02",
    "lora-fa, 0.05",
    "vera, 0.3",
    "loha, 0.05",
    "lokr, 0.05",
    "miss, 0.02",
    "ia3, 0.3",
    "sparse, 0.05",
    "norms, 0.1",
    "last-layers:n=1, 0.02",
    "full, 0.02"
  })
  void everyMergeableMethodBecomesPartOfADecoder(String method, double rate) throws IOException {
    Bundle bundle =
        Bundles.decoder(Fixtures.family("llama_dynamo18"), method, "all-linear", folder);
    Path adapter = folder.resolve("adapter");
    Bundles.trainDecoder(bundle, rate, 2, adapter);
    MergeRequest request =
        new MergeRequest(bundle.dir(), adapter, folder.resolve("merged.onnx"), false);

    MergeReport report = GraphTools.merge(request);
    assertThat(report.change()).isPositive();
    assertThat(report.answers().difference()).isLessThan(TOLERANCE);
    assertThat(report.answers().withoutAdapter()).isEmpty();
  }

  @Test
  void aPartOfAFusedLayerIsMergedIntoItsColumns() throws IOException {
    Bundle bundle =
        Bundles.decoder(Fixtures.family("gpt2_opset16"), "lora", "c_attn.q,c_attn.v", folder);
    Path adapter = folder.resolve("adapter");
    Bundles.trainDecoder(bundle, 0.05, 2, adapter);
    Path out = folder.resolve("merged.onnx");
    MergeReport report = GraphTools.merge(new MergeRequest(bundle.dir(), adapter, out, false));
    assertThat(report.layers()).isEqualTo(bundle.manifest().adapter().sites().size() / 2);
    assertThat(report.answers().difference()).isLessThan(TOLERANCE);
  }

  @Test
  void weightsOfFewBitsAreStoredSoAgain() {
    Path model =
        Bundles.quantized(Fixtures.family("llama_dynamo18"), Quantization.of(Scheme.INT8), folder);
    Bundle bundle = Bundles.decoder(model, "lora", "all-linear", folder);
    Path adapter =
        TrainedAdapter.write(bundle.manifest(), List.of(), any -> true, 0.2, folder.resolve("a"));
    Path out = folder.resolve("merged.onnx");
    MergeReport report = GraphTools.merge(new MergeRequest(bundle.dir(), adapter, out, false));
    assertThat(report.requantized()).isPresent();
    assertThat(report.answers().difference())
        .isLessThan(0.1 * report.answers().withoutAdapter().orElseThrow());
    assertThat(names(out)).isEqualTo(names(model));
  }

  @Test
  void aDecoderKeepsItsPastAndItsWeightsMayBecomeFloats() {
    Path model = Fixtures.smolLm();
    PrepareRequest request =
        new PrepareRequest(
            model,
            model.resolveSibling("tokenizer.json"),
            Task.CAUSAL_LM,
            SiteChoice.of("o_proj,down_proj"),
            Pooling.MEAN,
            OptionalInt.of(32),
            folder.resolve("bundle"));
    Bundle bundle = GraphTools.prepare(request.with(new WeightChoice(true))).bundle();
    Path adapter =
        TrainedAdapter.write(bundle.manifest(), List.of(), any -> true, 0.05, folder.resolve("a"));
    Path out = folder.resolve("merged.onnx");
    MergeReport report = GraphTools.merge(new MergeRequest(bundle.dir(), adapter, out, false));
    assertThat(report.layers()).isEqualTo(60);
    // Large logits; most operators stay fused, and are plain in the other graph.
    assertThat(report.answers().difference()).isLessThan(1e-4);
    assertThat(names(out)).isEqualTo(names(model));
  }

  @Test
  void whatNoWeightCanTakeIsRefused() throws IOException {
    Bundle bundle =
        Bundles.decoder(Fixtures.family("llama_dynamo18"), "bottleneck", "all-linear", folder);
    Path adapter = folder.resolve("adapter");
    Bundles.trainDecoder(bundle, 0.05, 2, adapter);
    Path out = folder.resolve("merged.onnx");
    assertThatThrownBy(() -> GraphTools.merge(new MergeRequest(bundle.dir(), adapter, out, false)))
        .isInstanceOf(NotMergeable.class)
        .hasMessageContaining("bottleneck");
    assertThat(out).doesNotExist();
  }

  private static List<List<String>> names(Path model) {
    var graph = OnnxReader.read(OnnxFile.read(model)).graph();
    return List.of(
        graph.inputs().stream().map(Value::name).toList(),
        graph.outputs().stream().map(Value::name).toList());
  }

  private static float[] logits(Path model) {
    return run(model, Map.of());
  }

  private static float[] served(Bundle bundle, Path adapter) {
    Map<String, Tensor> tensors =
        AdapterWeights.fit(PeftAdapter.read(adapter), bundle, ServingPlan.anySize()).tensors();
    Map<String, Tensor> banks = new HashMap<>();
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      banks.put(spec.bankName(), Objects.requireNonNull(tensors.get(spec.name())));
    }
    return run(bundle.file(Bundle.SERVING_MODEL), banks);
  }

  /** The logits of one text; a bank has one slot. */
  private static float[] run(Path model, Map<String, Tensor> banks) {
    int length = TOKENS.length;
    try (InferenceSession session = InferenceSession.open(model, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      feeds.put("input_ids", scope.longs(TOKENS, 1, length));
      feeds.put(
          "attention_mask",
          scope.longs(LongStream.generate(() -> 1).limit(length).toArray(), 1, length));
      feeds.put("position_ids", scope.longs(LongStream.range(0, length).toArray(), 1, length));
      feeds.put("adapter_ids", scope.longs(new long[1], 1));
      banks.forEach(
          (name, tensor) ->
              feeds.put(
                  name,
                  scope.floats(
                      tensor.floats(),
                      LongStream.concat(LongStream.of(1), LongStream.of(tensor.shape().toArray()))
                          .toArray())));
      feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
      try (OutputTensors out = session.run(feeds, List.of("logits"))) {
        return out.floats("logits");
      }
    }
  }
}
