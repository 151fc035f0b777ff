package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.LayerScaling;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.TinyData;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LayerRanksTest {
  private static final List<String> SITES =
      List.of("encoder.layer.0.query", "encoder.layer.0.value", "encoder.layer.5.query");

  @TempDir Path folder;

  @Test
  void firstRuleThatFitsALayerDecides() {
    LayerRanks ranks = ranks("layer.5=4,query=16", 8);
    LoraConfig config = ranks.describe(config());
    assertThat(config.rank("encoder.layer.0.query")).isEqualTo(16);
    assertThat(config.rank("encoder.layer.0.value")).isEqualTo(8);
    assertThat(config.rank("encoder.layer.5.query")).isEqualTo(4);
    assertThat(ranks.highest()).isEqualTo(16);
    for (String site : SITES) {
      assertThat(config.scaling(site)).isEqualTo(2.0);
    }
  }

  @Test
  void lowerRankStaysZeroBeyondItAndTrainsAsIfItWereAlone() {
    Bundle bundle = TinyBundle.write(folder.resolve("bundle"));
    List<ParameterSpec> specs = bundle.manifest().parameters();
    List<String> sites = bundle.manifest().adapter().sites();
    LayerRanks low = new LayerRanks(AdapterPlan.lora(2, 4), sites);
    List<Tensor> start = low.start(specs, new ParameterInitializer(1), 2);
    Shape wide = specs.getFirst().shape(6, 2);
    List<Tensor> filled = start.stream().map(t -> t.resized(widened(specs, t))).toList();
    assertThat(filled.getFirst().shape()).isEqualTo(wide);
    List<Tensor> alone = trained(bundle, start);
    List<Tensor> padded = trained(bundle, filled);
    for (int i = 0; i < specs.size(); i++) {
      Tensor cut = low.own(specs.get(i), padded.get(i));
      // Zeros add nothing to a sum, whatever its order.
      assertThat(cut.floats()).isEqualTo(alone.get(i).floats());
      assertThat(cut.resized(padded.get(i).shape()).floats()).isEqualTo(padded.get(i).floats());
    }
  }

  private static Shape widened(List<ParameterSpec> specs, Tensor tensor) {
    return specs.stream()
        .filter(spec -> spec.name().equals(tensor.name()))
        .findFirst()
        .orElseThrow()
        .shape(6, 2);
  }

  private static List<Tensor> trained(Bundle bundle, List<Tensor> start) {
    TrainingStart from =
        new TrainingStart(
            bundle,
            Checkpoint.fresh(start),
            AdamW.defaults(),
            false,
            false,
            SessionSettings.defaults());
    try (TrainingEngine engine = SessionTrainingEngine.open(from);
        TensorScope scope = new TensorScope()) {
      Map<String, dev.banyan.runtime.ort.NativeTensor> feeds = new HashMap<>();
      feeds.put("lora_scaling", scope.floats(new float[] {2}));
      feeds.put("labels", scope.longs(new long[] {0, 1}, 2));
      feeds.put("attention_mask", scope.longs(new long[] {1, 1, 1, 0}, 2, 2));
      feeds.put("input_ids", scope.longs(new long[] {2, 3, 4, 0}, 2, 2));
      for (int step = 0; step < 10; step++) {
        assertThat(engine.accumulate(feeds, 1)).isFinite();
        engine.update(0.01);
      }
      return engine.parameters();
    }
  }

  @Test
  void adapterIsWrittenWithItsOwnRanks() throws IOException {
    Bundle bundle = TinyBundle.write(folder.resolve("bundle"));
    Path train = Files.writeString(folder.resolve("train.jsonl"), TinyData.examples(200, 1));
    TrainingPlan plan =
        TrainingPlan.defaults()
            .with(AdapterPlan.lora(8, 16).with(RankPattern.parse("dense=3")))
            .with(new LearningRate.Linear(0.02, 0.1));
    TrainingReport report =
        new Trainer(bundle, plan, event -> {})
            .train(new TrainingData(Dataset.read(train), Optional.empty()), folder.resolve("out"));
    assertThat(report.trainableParameters()).isEqualTo(16 * 3 + 3 * 16 + 16 * 3 + 3);
    PeftAdapter adapter = PeftAdapter.read(folder.resolve("out"));
    assertThat(adapter.lora().rank("encoder.dense")).isEqualTo(3);
    assertThat(adapter.lora().scaling("encoder.dense")).isEqualTo(2.0);
    assertThat(adapter.weights().tensors().get("base_model.model.encoder.dense.lora_A.weight"))
        .satisfies(tensor -> assertThat(tensor.shape()).isEqualTo(Shape.of(3, 16)));
  }

  @Test
  void ruleThatFitsNoLayerIsRefused() {
    assertThatThrownBy(() -> ranks("kye=4", 8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "rank-pattern is 'kye'; expected part of a layer's path, such as"
                + " encoder.layer.0.query");
    assertThatThrownBy(() -> RankPattern.parse("query"))
        .hasMessage("rank-pattern is 'query'; expected <layers>=<rank>, for instance query=16");
    assertThatThrownBy(() -> RankPattern.parse("query=0"))
        .hasMessage("rank-pattern is query=0; expected ranks of 1 or more");
  }

  @Test
  void layersHaveTheAlphasOfTheirRules() {
    AdapterPlan plan =
        AdapterPlan.lora(8, 16)
            .with(RankPattern.parse("layer.5=4"))
            .with(AlphaPattern.parse("layer.5=2,layer.0.query=32"));
    LayerRanks ranks = new LayerRanks(plan, SITES);
    assertThat(ranks.scalings(SITES)).containsExactly(4.0, 2.0, 0.5);
    LoraConfig config = ranks.describe(config());
    assertThat(SITES.stream().map(site -> config.scaling(site))).isEqualTo(ranks.scalings(SITES));
    assertThat(config.other().path("alpha_pattern").toString())
        .isEqualTo("{\"encoder.layer.0.query\":32.0,\"encoder.layer.5.query\":2.0}");
  }

  @Test
  void rankStabilizedLayersAreScaledByTheRootOfTheirRank() {
    AdapterPlan plan =
        new AdapterPlan(
            16, 8, true, RankPattern.parse("value=4"), AlphaPattern.parse("value=3"), 0);
    assertThat(new LayerRanks(plan, SITES).scalings(SITES)).containsExactly(2.0, 1.5, 2.0);
  }

  @Test
  void layerIsTrainedWithItsOwnScaling() throws IOException {
    Bundle bundle = TinyBundle.writeWithDropout(folder.resolve("bundle"));
    AdapterPlan twice = AdapterPlan.lora(8, 16).with(AlphaPattern.parse("dense=32"));
    train(bundle, twice, "pattern");
    train(bundle, AdapterPlan.lora(8, 32), "all");
    assertThat(folder.resolve("pattern/adapter_model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("all/adapter_model.safetensors"));
    LoraConfig config = PeftAdapter.read(folder.resolve("pattern")).lora();
    assertThat(config.alpha()).isEqualTo(16);
    assertThat(config.scaling("encoder.dense")).isEqualTo(4);
  }

  private void train(Bundle bundle, AdapterPlan adapter, String out) throws IOException {
    Path train = Files.writeString(folder.resolve("train.jsonl"), TinyData.examples(60, 1));
    new Trainer(bundle, TrainingPlan.defaults().with(adapter), event -> {})
        .train(new TrainingData(Dataset.read(train), Optional.empty()), folder.resolve(out));
  }

  @Test
  void alphasThatAreNoneAreRefused() {
    assertThatThrownBy(() -> AlphaPattern.parse("query"))
        .hasMessage("alpha-pattern is 'query'; expected <layers>=<alpha>, for instance query=16");
    assertThatThrownBy(() -> AlphaPattern.parse("query=0"))
        .hasMessage("alpha-pattern is query=0.0; expected alphas above 0");
    assertThatThrownBy(
            () -> new LayerRanks(AdapterPlan.lora(8, 16).with(AlphaPattern.parse("kye=4")), SITES))
        .hasMessageStartingWith("alpha-pattern is 'kye'; expected part of a layer's path");
  }

  @Test
  void stabilizedScalingIsALargerAlphaForMethodsThatDoNotKnowIt() {
    AdapterPlan plan =
        new AdapterPlan(
            4, 8, true, RankPattern.parse("value=16"), AlphaPattern.parse("layer.5=2"), 0);
    LayerRanks ranks = new LayerRanks(plan, SITES);
    LayerScaling described = ranks.describe(SITES);
    assertThat(described.rank("encoder.layer.0.value")).isEqualTo(16);
    List<Double> scalings = ranks.scalings(SITES);
    for (int i = 0; i < SITES.size(); i++) {
      assertThat(described.factor(SITES.get(i))).isCloseTo(scalings.get(i), within(1e-12));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"MISS", "VERA"})
  void patternsOfNoUseToTheMethodsAreRefused(MethodName method) {
    AdapterInfo info =
        new AdapterInfo(
            List.of(new MethodInfo(method, "query", SITES)), "", BiasTraining.NONE, List.of());
    AdapterPlan plain = AdapterPlan.lora(8, 16);
    assertThat(LayerRanks.of(plain, info).highest()).isEqualTo(8);
    assertThatThrownBy(() -> LayerRanks.of(plain.with(RankPattern.parse("query=4")), info))
        .hasMessageContaining("rank-pattern")
        .hasMessageContaining("none for the method " + method.text());
    assertThatThrownBy(() -> LayerRanks.of(plain.with(AlphaPattern.parse("query=4")), info))
        .hasMessageContaining("alpha-pattern")
        .hasMessageContaining("no method of this bundle (%s on query) has an alpha", method.text());
  }

  private static LayerRanks ranks(String pattern, int rank) {
    return new LayerRanks(
        AdapterPlan.lora(rank, 2.0 * rank).with(RankPattern.parse(pattern)), SITES);
  }

  private static LoraConfig config() {
    return new LoraConfig(8, 16, 0, SITES, List.of(), false, "none", "SEQ_CLS", "m");
  }
}
