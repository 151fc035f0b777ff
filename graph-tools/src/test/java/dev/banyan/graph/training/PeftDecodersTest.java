package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.ParityErrors;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Learned tokens before the texts of decoders, against adapters that PEFT trained. */
class PeftDecodersTest {
  private static final int VOCABULARY = Bundles.DECODER_VOCABULARY;

  /** Two programs sum in other orders; the logits are of about 1. */
  private static final float TOLERANCE = 1e-4f;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "gpt2_prompt_tuning, gpt2_opset16, prompt",
    "gpt2_prefix_tuning, gpt2_opset16, prefix",
    "llama_prefix_tuning, llama_opset14, prefix"
  })
  void answersLossAndGradientAreTheSame(String fixture, String base, String method) {
    SafetensorsFile expected =
        SafetensorsFile.read(Fixtures.peftMethod(fixture).resolve("expected.safetensors"));
    Bundle bundle = prepare(folder, base, method);
    ParameterSpec spec = bundle.manifest().parameters().getFirst();
    AdapterWeights weights =
        AdapterWeights.fit(
            PeftAdapter.read(Fixtures.peftMethod(fixture)), bundle, ServingPlan.defaults());
    Tensor own = Objects.requireNonNull(weights.tensors().get(spec.name()));
    Tensor ids = tensor(expected, "inputs/input_ids");
    long[] mask = tensor(expected, "inputs/attention_mask").longs();

    float[] bare = serve(bundle, ids, own, 0, 0, 0);
    float[] mixed = serve(bundle, ids, own, 0, 1, 0);
    requireSame(serve(bundle, ids, own, 1, 1, 1), logits(expected, ids), mask);
    int row = bare.length / 3;
    assertThat(Arrays.copyOf(mixed, row)).containsExactly(Arrays.copyOf(bare, row), within(1e-5f));
    float[] second = bare.clone();
    System.arraycopy(logits(expected, ids), row, second, row, row);
    requireSame(mixed, second, mask);

    TrainingRun.Pass pass =
        TrainingRun.pass(
            bundle, List.of(own.named(spec.name())), batch(bundle, ids, mask, expected));
    assertThat(pass.loss()).isCloseTo(tensor(expected, "loss").floats()[0], within(1e-5f));
    assertThat(
            ParityErrors.distance(
                Objects.requireNonNull(pass.gradients().get(spec.name())),
                tensor(expected, "gradients/prompt_embeddings").floats()))
        .isLessThan(1e-4);
  }

  /** Those of the texts' own tokens. */
  static float[] logits(SafetensorsFile expected, Tensor ids) {
    Tensor all = tensor(expected, "logits");
    int rows = Math.toIntExact(ids.shape().dim(0));
    int texts = Math.toIntExact(ids.shape().dim(1)) * VOCABULARY;
    int columns = Math.toIntExact(all.shape().dim(1)) * VOCABULARY;
    float[] own = new float[rows * texts];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(all.floats(), (row + 1) * columns - texts, own, row * texts, texts);
    }
    return own;
  }

  static void requireSame(float[] seen, float[] expected, long[] mask) {
    assertThat(seen).hasSameSizeAs(expected);
    for (int i = 0; i < seen.length; i++) {
      if (mask[i / VOCABULARY] == 1) {
        assertThat(seen[i]).as("token " + i / VOCABULARY).isCloseTo(expected[i], within(TOLERANCE));
      }
    }
  }

  static Map<String, Tensor> batch(
      Bundle bundle, Tensor ids, long[] mask, SafetensorsFile expected) {
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put("input_ids", ids);
    batch.put("position_ids", positions(ids));
    batch.put("segment_ids", Tensor.ofLongs("segment_ids", ids.shape(), mask));
    batch.put("labels", aligned(tensor(expected, "labels")));
    batch
        .keySet()
        .removeIf(
            name ->
                name.equals("position_ids")
                    && !bundle.manifest().text().inputs().contains("position_ids"));
    return batch;
  }

  /** The recorded labels are of what comes next; a bundle's are of the token itself. */
  private static Tensor aligned(Tensor labels) {
    long[] next = labels.longs();
    long[] own = new long[next.length];
    int length = Math.toIntExact(labels.shape().dim(1));
    Arrays.setAll(own, i -> i % length == 0 ? NextToken.IGNORED : next[i - 1]);
    return Tensor.ofLongs("labels", labels.shape(), own);
  }

  static Tensor positions(Tensor ids) {
    long[] positions = new long[Math.toIntExact(ids.shape().elements())];
    int length = Math.toIntExact(ids.shape().dim(1));
    Arrays.setAll(positions, i -> i % length);
    return Tensor.ofLongs("position_ids", ids.shape(), positions);
  }

  /** With the bare base in slot 0 and the adapter in slot 1, of which there is room for more. */
  private static float[] serve(Bundle bundle, Tensor ids, Tensor own, long... slots) {
    ParameterSpec spec = bundle.manifest().parameters().getFirst();
    long count = own.shape().dim(0);
    long[] dims = own.shape().toArray();
    dims[0] = count + 2;
    Tensor bank = own.resized(Shape.of(dims));
    float[] banked = new float[2 * Math.toIntExact(bank.shape().elements())];
    System.arraycopy(bank.floats(), 0, banked, banked.length / 2, banked.length / 2);
    long[] withSlots = LongStream.concat(LongStream.of(2), LongStream.of(dims)).toArray();
    try (TensorScope scope = new TensorScope();
        InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.SERVING_MODEL), SessionSettings.defaults())) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      feeds.put("adapter_ids", scope.longs(slots, slots.length));
      feeds.put(spec.bankName(), scope.floats(banked, withSlots));
      feeds.put(spec.countName(), scope.longs(new long[] {0, count}, 2));
      feeds.putAll(
          TrainingRun.feeds(scope, Map.of("input_ids", ids, "position_ids", positions(ids))));
      feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
      try (OutputTensors out = session.run(feeds, List.of("logits"))) {
        return out.floats("logits");
      }
    }
  }

  static Bundle prepare(Path folder, String base, String method) {
    return Bundles.decoder(Fixtures.peftBase(base), method, "", folder);
  }

  static Tensor tensor(SafetensorsFile file, String name) {
    return Objects.requireNonNull(file.tensors().get(name), name);
  }
}
