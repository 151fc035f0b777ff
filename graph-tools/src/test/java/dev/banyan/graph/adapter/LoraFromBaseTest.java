package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.runtime.base.BaseLayers;
import dev.banyan.runtime.base.LayerFactors;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.SessionSettings;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters that start from the base's weights, in both forms that PEFT saves them in. */
class LoraFromBaseTest {
  @TempDir Path folder;

  /** PEFT leaves the start out of a file; its conversion puts it in. */
  @ParameterizedTest
  @ValueSource(strings = {"pissa", "olora", "olora_rslora"})
  void bothFormsAnswerAlikeOverABundleOfPlainLora(String fixture) {
    Recorded recorded = new Recorded(fixture, true, "lora:targets=all-linear");
    Bundle bundle = recorded.prepare(Emission.FUSED, folder.resolve("bundle"));
    PeftAdapter converted = PeftAdapter.read(Fixtures.peftMethod(fixture).resolve("converted"));
    float[] expected = recorded.tensor("logits").floats();
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      model.bank().write(1, recorded.weights(bundle));
      model.bank().write(2, AdapterWeights.fit(converted, bundle, ServingPlan.defaults()));
      for (int slot = 1; slot <= 2; slot++) {
        List<Row> rows = recorded.texts().at(slot);
        for (int text = 0; text < rows.size(); text++) {
          int from = text * Recorded.LABELS;
          // Two programs sum in other orders; the logits are of about 1.
          assertThat(model.run(List.of(rows.get(text))).logits(0, Recorded.LABELS))
              .containsExactly(
                  Arrays.copyOfRange(expected, from, from + Recorded.LABELS), within(1e-4f));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pissa", "olora"})
  void theStartIsPefts(String fixture) {
    MethodName method = MethodName.of(fixture).orElseThrow();
    Recorded recorded =
        new Recorded(fixture, true, fixture + ":targets=query,value,intermediate.dense");
    Bundle bundle = recorded.prepare(Emission.FUSED, folder.resolve("bundle"));
    List<ParameterSpec> specs = bundle.manifest().parameters();
    Sizes sizes = recorded.sizes(bundle);
    int seen = 0;
    try (BaseLayers layers = BaseLayers.of(bundle)) {
      for (int i = 0; i + 1 < specs.size(); i++) {
        if (specs.get(i).name().endsWith(".lora_A")) {
          Tensor a = recorded.expected("initial/", specs.get(i), sizes).orElseThrow();
          Tensor b = recorded.expected("initial/", specs.get(i + 1), sizes).orElseThrow();
          String site = specs.get(i).site();
          double scaling = recorded.adapter().config().scaling(MethodName.LORA, site);
          LayerFactors own =
              LayerFactors.of(
                  new LayerFactors.Wanted(method, Math.toIntExact(a.shape().dim(1)), scaling),
                  layers.weight(site));
          // Singular vectors may have the other sign in both factors: their product has not.
          // PyTorch finds them in 32 bits.
          assertThat(product(own.a(), own.b())).containsExactly(product(a, b), within(1e-5f));
          if (method == MethodName.OLORA) {
            assertThat(own.b().floats()).containsExactly(b.floats(), within(1e-6f));
          }
          seen++;
        }
      }
    }
    assertThat(seen).isEqualTo(6);
  }

  private static float[] product(Tensor a, Tensor b) {
    int rank = Math.toIntExact(a.shape().dim(1));
    int columns = Math.toIntExact(b.shape().dim(1));
    float[] left = a.floats();
    float[] right = b.floats();
    float[] product = new float[left.length / rank * columns];
    for (int i = 0; i < product.length; i++) {
      for (int k = 0; k < rank; k++) {
        product[i] += left[i / columns * rank + k] * right[k * columns + i % columns];
      }
    }
    return product;
  }

  @ParameterizedTest
  @ValueSource(strings = {"pissa", "olora"})
  void itNeedsRoomForTwiceItsRankAndIsNotCombinedAsItIs(String fixture) {
    Recorded recorded = new Recorded(fixture, true, "lora:targets=all-linear");
    Bundle bundle = recorded.prepare(Emission.FUSED, folder.resolve("bundle"));
    ServingPlan small = new ServingPlan(1, 3, 3, SessionSettings.defaults());
    assertThatThrownBy(() -> AdapterWeights.fit(recorded.adapter(), bundle, small))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("--max-rank 4");
    assertThatThrownBy(() -> recorded.adapter().lora())
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining(fixture)
        .hasMessageContaining("convert");
    LoraConfig twice = ((LoraConfig) recorded.adapter().config()).withTwiceTheRank();
    assertThat(twice.rank()).isEqualTo(4);
    assertThat(twice.scaling()).isEqualTo(((LoraConfig) recorded.adapter().config()).scaling());
  }
}
