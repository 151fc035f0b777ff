package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PackedParts;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * GPT-2's packed query, key and value, whole and in parts, against an adapter that PEFT trained.
 */
class FusedPartsTest {
  private static final String WHOLE = "lora:targets=c_attn";
  private static final String QUERY_AND_VALUE = "lora:targets=c_attn.q,c_attn.v";
  private static final int WIDTH = 16;
  private static final int RANK = 2;

  @TempDir Path folder;

  private final PeftAdapter adapter = PeftAdapter.read(Fixtures.peftMethod("gpt2_lora"));
  private final SafetensorsFile expected =
      SafetensorsFile.read(Fixtures.peftMethod("gpt2_lora").resolve("expected.safetensors"));

  @ParameterizedTest
  @ValueSource(strings = {WHOLE, "lora:targets=c_attn.q,c_attn.k,c_attn.v"})
  void answersLossAndGradientsArePefts(String method) {
    Bundle bundle = prepare(method);
    float[] bare = serve(bundle, adapter, 0, 0, 0);
    float[] mixed = serve(bundle, adapter, 1, 0, 1);
    float[] wanted = PeftDecodersTest.logits(expected, ids());
    int row = bare.length / 3;
    System.arraycopy(bare, row, wanted, row, row);
    PeftDecodersTest.requireSame(mixed, wanted, mask());

    TrainingRun.Pass pass = pass(bundle, adapter);
    assertThat(pass.loss())
        .isCloseTo(PeftDecodersTest.tensor(expected, "loss").floats()[0], within(1e-5f));
    gradients(bundle, pass)
        .forEach(
            (key, seen) -> {
              float[] gradient =
                  PeftDecodersTest.tensor(expected, "gradients/base_model.model." + key + ".weight")
                      .floats();
              assertThat(ParityErrors.distance(seen, gradient)).as(key).isLessThan(1e-4);
            });
  }

  @Test
  void partsAnswerAndLearnAsTheWholeLayerWithBlocksDoes() {
    Bundle parts = prepare(QUERY_AND_VALUE);
    Bundle whole = prepare(WHOLE);
    PeftAdapter blocks =
        new PackedParts(parts.manifest().parameters()).pack(unpacked(parts, withoutKeys()));
    assertThat(blocks.lora().rank("transformer.h.0.attn.c_attn")).isEqualTo(2 * RANK);
    // The same sums in another order.
    assertThat(serve(parts, blocks, 1, 0, 1))
        .containsExactly(serve(whole, blocks, 1, 0, 1), within(1e-5f));
    assertThat(serve(parts, blocks, 1, 0, 1)).isNotEqualTo(serve(parts, blocks, 0, 0, 0));
    TrainingRun.Pass pass = pass(parts, blocks);
    TrainingRun.Pass ofWhole = pass(whole, blocks);
    assertThat(pass.loss()).isCloseTo(ofWhole.loss(), within(1e-6f));
    for (ParameterSpec spec : parts.manifest().parameters()) {
      int block = spec.site().endsWith(".q") ? 0 : 1;
      String layer = spec.site().substring(0, spec.site().lastIndexOf('.'));
      String factor = spec.name().substring(spec.site().length());
      float[] all = Objects.requireNonNull(ofWhole.gradients().get(layer + factor));
      float[] seen = Objects.requireNonNull(pass.gradients().get(spec.name()));
      assertThat(seen)
          .as(spec.name())
          .containsExactly(
              factor.equals(".lora_A")
                  ? columns(all, 2 * RANK, block * RANK, RANK)
                  : columns(
                      Arrays.copyOfRange(
                          all, block * RANK * 3 * WIDTH, (block + 1) * RANK * 3 * WIDTH),
                      3 * WIDTH,
                      block * 2 * WIDTH,
                      WIDTH),
              within(1e-5f));
    }
  }

  @Test
  void adapterOfAllColumnsIsRefusedByABundleOfSome() {
    Bundle parts = prepare(QUERY_AND_VALUE);
    assertThatThrownBy(() -> AdapterWeights.fit(adapter, parts, ServingPlan.defaults()))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("changes output " + WIDTH);
  }

  private Bundle prepare(String method) {
    Path own = folder.resolve("of" + method.hashCode());
    assertThat(own.toFile().mkdir()).isTrue();
    return PeftDecodersTest.prepare(own, "gpt2_opset16", method);
  }

  private Tensor ids() {
    return PeftDecodersTest.tensor(expected, "inputs/input_ids");
  }

  private long[] mask() {
    return PeftDecodersTest.tensor(expected, "inputs/attention_mask").longs();
  }

  /** Some columns of a matrix of so many. */
  private static float[] columns(float[] matrix, int of, int from, int width) {
    float[] cut = new float[matrix.length / of * width];
    for (int i = 0; i < cut.length; i++) {
      cut[i] = matrix[i / width * of + from + i % width];
    }
    return cut;
  }

  /** PEFT's adapter, whose keys are left alone. */
  private PeftAdapter withoutKeys() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(adapter.weights().tensors());
    tensors.replaceAll(
        (name, tensor) -> {
          float[] values = tensor.floats();
          if (name.contains("lora_B")) {
            Arrays.fill(values, WIDTH * RANK, 2 * WIDTH * RANK, 0);
          }
          return Tensor.ofFloats(name, tensor.shape(), values);
        });
    return new PeftAdapter(adapter.config(), new SafetensorsFile(Map.of(), tensors));
  }

  private static PeftAdapter unpacked(Bundle bundle, PeftAdapter adapter) {
    return new PackedParts(bundle.manifest().parameters()).unpack(adapter);
  }

  private static AdapterWeights fit(Bundle bundle, PeftAdapter adapter) {
    return AdapterWeights.fit(adapter, bundle, ServingPlan.defaults());
  }

  private float[] serve(Bundle bundle, PeftAdapter adapter, long... slots) {
    AdapterWeights weights = fit(bundle, adapter);
    try (TensorScope scope = new TensorScope();
        InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.SERVING_MODEL), SessionSettings.defaults())) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      feeds.put("adapter_ids", scope.longs(slots, slots.length));
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        Tensor own = Objects.requireNonNull(weights.tensors().get(spec.name()));
        float[] both = new float[2 * Math.toIntExact(own.shape().elements())];
        System.arraycopy(own.floats(), 0, both, both.length / 2, both.length / 2);
        long[] dims =
            LongStream.concat(LongStream.of(2), LongStream.of(own.shape().toArray())).toArray();
        feeds.put(spec.bankName(), scope.floats(both, dims));
      }
      feeds.putAll(
          TrainingRun.feeds(
              scope,
              Map.of("input_ids", ids(), "position_ids", PeftDecodersTest.positions(ids()))));
      feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
      try (OutputTensors out = session.run(feeds, List.of("logits"))) {
        return out.floats("logits");
      }
    }
  }

  /** With the scaling as an input, not in the parameters. */
  private TrainingRun.Pass pass(Bundle bundle, PeftAdapter adapter) {
    SafetensorsFile own = unpacked(bundle, adapter).weights();
    List<Tensor> parameters = new ArrayList<>();
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      Tensor stored = own.tensor("base_model.model." + spec.peftKey()).orElseThrow();
      parameters.add(spec.layout().toGraph(stored).named(spec.name()));
    }
    Map<String, Tensor> batch = PeftDecodersTest.batch(bundle, ids(), mask(), expected);
    float scaling = (float) adapter.lora().scaling();
    batch.put("lora_scaling", TrainingRun.scaling(bundle, scaling));
    return TrainingRun.pass(bundle, parameters, batch);
  }

  /**
   * Those of the whole layer's factors as PEFT has them: all parts share A, and B has a row each.
   */
  private static Map<String, float[]> gradients(Bundle bundle, TrainingRun.Pass pass) {
    Map<String, float[]> all = new LinkedHashMap<>();
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      float[] own = Objects.requireNonNull(pass.gradients().get(spec.name()));
      Shape shape = spec.shape(RANK, 1);
      float[] stored = spec.layout().toFile(Tensor.ofFloats("own", shape, own)).floats();
      String key = spec.name().replaceAll("[.][qkv][.]", ".");
      all.merge(key, stored, key.endsWith("_A") ? FusedPartsTest::sum : FusedPartsTest::joined);
    }
    return all;
  }

  private static float[] sum(float[] one, float[] other) {
    float[] sum = one.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += other[i];
    }
    return sum;
  }

  private static float[] joined(float[] one, float[] other) {
    float[] both = Arrays.copyOf(one, one.length + other.length);
    System.arraycopy(other, 0, both, one.length, other.length);
    return both;
  }
}
