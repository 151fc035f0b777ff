package dev.banyan.runtime.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BaseInfo;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.integrity.WrongBase;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.ort.SessionSettings;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AdapterWeightsTest {
  private static final BundleManifest BUNDLE = TinyBundle.manifest();
  private static final ServingPlan LIMITS = new ServingPlan(4, 8, 5, SessionSettings.defaults());

  @Test
  void tensorsAreTurnedAndScaled() {
    PeftAdapter adapter = TinyAdapters.random(2, 3, 1);
    AdapterWeights weights = AdapterWeights.fit(adapter, BUNDLE, LIMITS);

    Tensor stored = Objects.requireNonNull(adapter.weights().tensors().get(TinyAdapters.B));
    Tensor fitted = Objects.requireNonNull(weights.tensors().get("encoder.dense.lora_B"));
    assertThat(fitted.shape()).isEqualTo(Shape.of(2, 16));
    // alpha / rank is 2 here; element [rank 1, out 5] was [out 5, rank 1].
    assertThat(fitted.floats()[16 + 5]).isEqualTo(2 * stored.floats()[5 * 2 + 1]);
    assertThat(weights.labels()).containsExactly("label 0", "label 1", "label 2");
    assertThat(weights.rank()).isEqualTo(2);
    assertThat(weights.digest()).isEqualTo(adapter.digest());
  }

  @Test
  void layersOfALowerRankAreFilledUpAndScaledByTheirOwnAlpha() {
    PeftAdapter plain = TinyAdapters.random(2, 3, 1);
    PeftAdapter wider =
        new PeftAdapter(
            new LoraConfig(8, 8, 0, List.of("dense"), List.of(), false, "none", "SEQ_CLS", "tiny")
                .withPatterns(Map.of("dense", 2), Map.of("encoder.dense", 6.0)),
            plain.weights());
    AdapterWeights weights = AdapterWeights.fit(wider, BUNDLE, LIMITS);
    Tensor stored = Objects.requireNonNull(plain.weights().tensors().get(TinyAdapters.B));
    Tensor fitted = Objects.requireNonNull(weights.tensors().get("encoder.dense.lora_B"));
    // The only layer has rank 2, so that no more room is taken.
    assertThat(weights.rank()).isEqualTo(2);
    assertThat(fitted.floats()[16 + 5]).isEqualTo(3 * stored.floats()[5 * 2 + 1]);
  }

  @Test
  void adapterWhoseProductIsZeroEverywhereIsRefused() {
    PeftAdapter idle =
        TinyAdapters.changed(
            2,
            3,
            1,
            tensors ->
                tensors.put(
                    TinyAdapters.B,
                    Tensor.ofFloats(TinyAdapters.B, Shape.of(16, 2), new float[32])));
    assertThatThrownBy(() -> AdapterWeights.fit(idle, BUNDLE, LIMITS))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining(
            "'encoder.dense.lora_B' is as at its start, and so are all of its kind (1)");
  }

  @Test
  void adapterWrittenByPeftNeedsNothingOfOurs() {
    PeftAdapter foreign =
        TinyAdapters.bare(
            TinyAdapters.changed(
                2,
                3,
                1,
                tensors -> {
                  Tensor a = tensors.remove(TinyAdapters.A);
                  Tensor b = tensors.remove(TinyAdapters.B);
                  if (a != null && b != null) {
                    String longA = "base_model.model.bert.encoder.dense.lora_A.weight";
                    String longB = "base_model.model.bert.encoder.dense.lora_B.weight";
                    tensors.put(longA, a.named(longA));
                    tensors.put(longB, b.named(longB));
                  }
                }));
    AdapterWeights weights = AdapterWeights.fit(foreign, BUNDLE, LIMITS);
    assertThat(weights.labels()).containsExactly("LABEL_0", "LABEL_1", "LABEL_2");
    assertThat(weights.tensors())
        .containsOnlyKeys(
            "encoder.dense.lora_A", "encoder.dense.lora_B", "classifier.weight", "classifier.bias");
  }

  @Test
  void adapterWithoutSomeLayersLeavesThemAtZero() {
    PeftAdapter head =
        TinyAdapters.changed(
            2, 3, 1, tensors -> tensors.keySet().removeIf(key -> key.contains("lora_")));
    assertThat(AdapterWeights.fit(head, BUNDLE, LIMITS).tensors())
        .containsOnlyKeys("classifier.weight", "classifier.bias");
  }

  @Test
  void adapterOfAnotherBaseIsRefused() {
    Digest other = Digest.of("another".getBytes(StandardCharsets.UTF_8));
    BundleManifest elsewhere =
        new BundleManifest(
            BUNDLE.task(),
            new BaseInfo(other, 1, 16, "other.onnx"),
            BUNDLE.text(),
            BUNDLE.adapter(),
            BUNDLE.parameters());
    PeftAdapter adapter = TinyAdapters.random(2, 3, 1);
    assertThatThrownBy(() -> AdapterWeights.fit(adapter, elsewhere, LIMITS))
        .isInstanceOf(WrongBase.class)
        .hasMessageContaining(other.toString())
        .hasMessageContaining(BUNDLE.base().digest().toString());
  }

  @Test
  void numberThatIsNotFiniteIsRefused() {
    PeftAdapter broken =
        TinyAdapters.changed(
            2,
            3,
            1,
            tensors ->
                tensors.put(
                    TinyAdapters.BIAS,
                    Tensor.ofFloats(TinyAdapters.BIAS, Shape.of(3), 0, Float.NaN, 0)));
    refused(broken, "'base_model.model.classifier.bias' has the value NaN; train it again");
  }

  @Test
  void rankBeyondTheRoomIsRefused() {
    refused(
        TinyAdapters.random(9, 3, 1),
        "its rank is 9, the server has room for 8; start the server with --max-rank 9 or train with"
            + " a lower rank");
  }

  @Test
  void moreLabelsThanThereIsRoomForAreRefused() {
    refused(
        TinyAdapters.random(2, 6, 1),
        "it has 6 labels, the server has room for 5; start the server with --max-labels 6");
  }

  @Test
  void layerThatTheBundleDoesNotAdaptIsRefused() {
    PeftAdapter more =
        TinyAdapters.changed(
            2,
            3,
            1,
            tensors ->
                TinyAdapters.put(
                    tensors,
                    "base_model.model.encoder.other.lora_A.weight",
                    Shape.of(2, 16),
                    new Random(1)));
    refused(
        more,
        "it has 'base_model.model.encoder.other.lora_A.weight', which this bundle (lora on dense)"
            + " does not adapt");
  }

  @Test
  void tensorOfAnotherShapeIsRefused() {
    PeftAdapter wide =
        TinyAdapters.changed(
            2,
            3,
            1,
            tensors -> TinyAdapters.put(tensors, TinyAdapters.A, Shape.of(2, 17), new Random(1)));
    refused(wide, "is [2, 17], the base needs [2, 16]");
  }

  @Test
  void halfOfAPairIsRefused() {
    PeftAdapter half = TinyAdapters.changed(2, 3, 1, tensors -> tensors.remove(TinyAdapters.B));
    refused(half, "it has 'encoder.dense.lora_A' without 'encoder.dense.lora_B'");
  }

  private static void refused(PeftAdapter adapter, String problem) {
    assertThatThrownBy(() -> AdapterWeights.fit(adapter, BUNDLE, LIMITS))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining(problem);
  }
}
