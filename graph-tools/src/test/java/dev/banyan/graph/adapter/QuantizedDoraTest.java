package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.quantize.Quantization;
import dev.banyan.graph.quantize.Scheme;
import dev.banyan.graph.training.Bundles;
import dev.banyan.graph.training.TrainingRun;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** DoRA's lengths are those of the weights that there are, in whatever form they are stored. */
class QuantizedDoraTest {
  private static final int RANK = 3;
  private static final int LENGTH = 7;

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Scheme.class)
  void whatIsServedIsWhatIsTrained(Scheme scheme) {
    Bundle bundle = bundle(scheme);
    AdapterWeights weights = AdapterWeights.fit(adapter(bundle), bundle, ServingPlan.defaults());
    long[] ids = LongStream.range(0, LENGTH).map(i -> 5 + 3 * i).toArray();
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      model.bank().write(1, weights);
      Row row = new Row(new Encoding(ids, new long[LENGTH]), 1);
      float[] served = model.run(List.of(row)).embedding(0);
      // The lengths are summed up otherwise, in 32 bits in training.
      assertThat(served).containsExactly(trained(bundle, weights, ids), within(1e-5f));
      Row bare = new Row(new Encoding(ids, new long[LENGTH]), 0);
      float[] base = model.run(List.of(bare)).embedding(0);
      assertThat(base).isNotEqualTo(served);
      AdapterWeights none =
          new AdapterWeights(
              weights.digest(), weights.task(), weights.labels(), weights.sizes(), Map.of());
      // With the lengths of the base's weights nothing is changed.
      assertThat(trained(bundle, none, ids)).containsExactly(base, within(1e-6f));
    }
  }

  /** The eval graph's embedding of two equal texts. */
  private static float[] trained(Bundle bundle, AdapterWeights weights, long[] ids) {
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    BaseValues base = BaseValues.of(bundle);
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      Tensor own = weights.tensors().get(spec.name());
      feeds.put(spec.name(), own == null ? base.neutral(spec, weights.sizes()) : own);
    }
    float[] ones = new float[bundle.manifest().adapter().sites().size()];
    Arrays.fill(ones, 1);
    feeds.put("dora_scaling", Tensor.ofFloats("dora_scaling", Shape.of(ones.length), ones));
    Shape shape = Shape.of(2, LENGTH);
    long[] twice = IntStream.range(0, 2 * LENGTH).mapToLong(i -> ids[i % LENGTH]).toArray();
    long[] mask = new long[twice.length];
    Arrays.fill(mask, 1);
    feeds.put("input_ids", Tensor.ofLongs("input_ids", shape, twice));
    feeds.put("attention_mask", Tensor.ofLongs("attention_mask", shape, mask));
    feeds.put("token_type_ids", Tensor.ofLongs("token_type_ids", shape, new long[mask.length]));
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.EVAL_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out = session.run(TrainingRun.feeds(scope, feeds), List.of("embeddings"))) {
      float[] both = out.floats("embeddings");
      return Arrays.copyOf(both, both.length / 2);
    }
  }

  /** Random factors, and lengths somewhat off the base's. */
  private static PeftAdapter adapter(Bundle bundle) {
    SplittableRandom random = new SplittableRandom(4);
    BaseValues base = BaseValues.of(bundle);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      if (spec.role() != Role.START) {
        Tensor start = base.neutral(spec, Sizes.of(RANK, 1));
        float[] values = start.floats();
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (values[i] * (1 + random.nextDouble()) + 0.2 * random.nextGaussian());
        }
        String key = "base_model.model." + spec.peftKey();
        Tensor tensor = Tensor.ofFloats(key, start.shape(), values);
        tensors.put(key, spec.layout().toFile(tensor).named(key));
      }
    }
    LoraConfig config =
        new LoraConfig(
                RANK,
                4,
                0,
                bundle.manifest().adapter().sites(),
                List.of(),
                false,
                "none",
                "FEATURE_EXTRACTION",
                "base")
            .withDora();
    Map<String, String> metadata = AdapterMetadata.entries(bundle.manifest(), List.of());
    return new PeftAdapter(config, new SafetensorsFile(metadata, tensors));
  }

  private Bundle bundle(Scheme scheme) {
    Path model =
        Bundles.quantized(
            Fixtures.export("bert_opset17"), new Quantization(scheme, 16, false, false), folder);
    return GraphTools.prepare(
            new PrepareRequest(
                    model,
                    Bundles.tokenizer(folder, 40),
                    Task.EMBEDDING,
                    SiteChoice.of("all-linear"),
                    Pooling.POOLER,
                    OptionalInt.empty(),
                    folder.resolve("bundle"))
                .withMethods(List.of(MethodChoice.parse("dora", SiteChoice.of("all-linear")))))
        .bundle();
  }
}
