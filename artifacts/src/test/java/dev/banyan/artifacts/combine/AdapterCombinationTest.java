package dev.banyan.artifacts.combine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AdapterCombinationTest {
  private static final CombinationRecipe CAT = CombinationRecipe.of(CombinationType.CAT);
  private static final HeadChoice DEFAULT = new HeadChoice.MeanOfKnown();

  /** Sums of a few 32-bit numbers of the order of one. */
  private static final float TOLERANCE = 1e-6f;

  @TempDir Path folder;

  @Test
  void sideBySideTheFactorsGiveTheWeightedSum() {
    CombinedAdapter combined = combined(CAT, DEFAULT, TinyLora.of(3, 1, 2), TinyLora.of(1, 5, -1));
    assertThat(combined.adapter().lora().rank()).isEqualTo(2);
    assertThat(combined.adapter().lora().scaling()).isEqualTo(1);
    // Weights 1 and 2, each with the scaling 2.
    assertThat(product(combined.adapter())).containsExactly(new float[] {26, 8}, within(TOLERANCE));
    assertThat(combined.distance()).isCloseTo(0, within(1e-7));
  }

  /** The n-th adapter is called by the n-th letter and weighs n. */
  private static CombinedAdapter combined(
      CombinationRecipe recipe, HeadChoice head, TinyLora... adapters) {
    List<WeightedAdapter> weighted = new ArrayList<>();
    for (TinyLora each : adapters) {
      int number = weighted.size();
      weighted.add(
          new WeightedAdapter(Character.toString('a' + number), each.adapter(), number + 1.0));
    }
    return new AdapterCombination(weighted, recipe, head).combine();
  }

  private static float[] product(PeftAdapter adapter) {
    float[] a = values(adapter, TinyLora.LAYER + ".lora_A.weight");
    float[] b = values(adapter, TinyLora.LAYER + ".lora_B.weight");
    float[] product = new float[2];
    for (int i = 0; i < a.length; i++) {
      product[i % 2] += b[i / 2] * a[i];
    }
    return product;
  }

  private static float[] values(PeftAdapter adapter, String tensor) {
    return adapter.weights().tensor(tensor).orElseThrow().floats();
  }

  @Test
  void theDistanceTellsHowFarASumOfFactorsIsFromTheSum() {
    CombinationRecipe linear = CombinationRecipe.of(CombinationType.LINEAR);
    CombinedAdapter same = combined(linear, DEFAULT, TinyLora.of(1, 1, 0), TinyLora.of(-1, 1, 0));
    // Factors that are equal but for a sign: (1 + root 2)(1 - root 2) times 2 is -2, as 2 - 4 is.
    assertThat(product(same.adapter())).containsExactly(new float[] {-2, 0}, within(TOLERANCE));
    assertThat(same.distance()).isCloseTo(0, within(1e-6));
    CombinedAdapter crossed = combined(linear, DEFAULT, TinyLora.of(1, 1, 0), TinyLora.of(1, 0, 1));
    // The sum is [2, 4]; the factors are (root 2 + 2) and [root 2, 2].
    double[] far = {2 + 2 * Math.sqrt(2) - 2, 2 * Math.sqrt(2) + 4 - 4};
    assertThat(crossed.distance())
        .isCloseTo(Math.hypot(far[0], far[1]) / Math.hypot(2, 4), within(1e-6));
  }

  @Test
  void whatWasCombinedIsWrittenIntoTheHeaderAndReadAgain() {
    PeftAdapter written =
        combined(
                CombinationRecipe.of(CombinationType.TIES_SVD).withDensity(0.5),
                DEFAULT,
                TinyLora.of(1, 1, 2).on(7).head(1).trainedFor("text-classification", "x"),
                TinyLora.of(1, 2, 1).on(7).head(1).trainedFor("text-classification", "x"))
            .adapter();
    written.write(folder.resolve("out"));
    PeftAdapter read = PeftAdapter.read(folder.resolve("out"));
    assertThat(read.digest()).isEqualTo(written.digest());
    assertThat(read.metadata().base()).contains(Digest.of(new byte[] {7}));
    assertThat(read.weights().metadata().get("banyan.combined"))
        .startsWith(
            "{\"type\":\"ties_svd\",\"density\":0.5,\"majority_sign\":\"total\",\"adapters\":[{\"digest\":\"sha256:")
        .contains("\"weight\":2.0");
  }

  @Test
  void headsOfTheSameLabelsHaveTheirMeanByWeight() {
    PeftAdapter adapter =
        combined(
                CAT,
                DEFAULT,
                TinyLora.of(1, 1, 1)
                    .head(3, 0)
                    .trainedFor("multi-label", "x", "y")
                    .note("banyan.max_length", "64"),
                TinyLora.of(1, 1, 1)
                    .head(0, 6)
                    .trainedFor("multi-label", "x", "y")
                    .note("banyan.max_length", "128"))
            .adapter();
    assertThat(values(adapter, TinyLora.HEAD))
        .containsExactly(new float[] {1, 4}, within(TOLERANCE));
    assertThat(adapter.metadata().labels()).containsExactly("x", "y");
    assertThat(adapter.metadata().task()).contains(Task.MULTI_LABEL);
    assertThat(adapter.metadata().maxLength()).hasValue(128);
  }

  @Test
  void headsOfOtherLabelsAreRefusedUntilOneIsChosen() {
    TinyLora one = TinyLora.of(1, 1, 1).head(3, 0).trainedFor("text-classification", "x", "y");
    TinyLora other = TinyLora.of(1, 1, 1).head(0, 6).trainedFor("text-classification", "y", "x");
    assertRefused(DEFAULT, one, other)
        .withMessage(
            "b: it and a have no common head, by its labels: [y, x] against [x, y]; say which head to take: 'first' or the name of an adapter");
    assertRefused(new HeadChoice.Mean(), one, other).withMessageContaining("labels");
    PeftAdapter chosen = combined(CAT, new HeadChoice.Of(1), one, other).adapter();
    assertThat(values(chosen, TinyLora.HEAD)).containsExactly(0, 6);
    assertThat(chosen.metadata().labels()).containsExactly("y", "x");
  }

  private static ThrowableAssertAlternative<UnusableArtifact> assertRefused(
      HeadChoice head, TinyLora... adapters) {
    return assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(() -> combined(CAT, head, adapters));
  }

  @Test
  void headsWithoutNamesAreMixedOnlyWhenAskedFor() {
    TinyLora one = TinyLora.of(1, 1, 1).head(3, 0);
    TinyLora other = TinyLora.of(1, 1, 1).head(0, 6);
    assertRefused(DEFAULT, one, other).withMessageContaining("does not name its labels");
    assertThat(values(combined(CAT, new HeadChoice.Mean(), one, other).adapter(), TinyLora.HEAD))
        .containsExactly(new float[] {1, 4}, within(TOLERANCE));
    assertRefused(new HeadChoice.Mean(), one, TinyLora.of(1, 1, 1))
        .withMessageContaining("'%s': none against [2, 1]".formatted(TinyLora.HEAD));
  }

  @Test
  void adaptersOfDifferentTasksHaveNoCommonHead() {
    assertRefused(
            DEFAULT,
            TinyLora.of(1, 1, 1).head(1, 2).trainedFor("text-classification", "x", "y"),
            TinyLora.of(1, 1, 1).head(1, 2).trainedFor("multi-label", "x", "y"))
        .withMessageContaining("its task: multi-label against text-classification");
  }

  @Test
  void adaptersOfDifferentBasesAreRefused() {
    assertRefused(DEFAULT, TinyLora.of(1, 1, 1).on(1), TinyLora.of(1, 1, 1).on(2))
        .withMessageContaining("made for the base model sha256:")
        .withMessageContaining("combine adapters of one base");
    assertThat(
            combined(CAT, DEFAULT, TinyLora.of(1, 1, 1), TinyLora.of(1, 1, 1).on(2))
                .adapter()
                .metadata()
                .base())
        .contains(Digest.of(new byte[] {2}));
  }

  @Test
  void aLayerOfAnotherShapeIsRefused() {
    TinyLora wide = TinyLora.of(1, 1, 1);
    wide.put(Tensor.ofFloats(TinyLora.LAYER + ".lora_A.weight", Shape.of(1, 3), 1, 1, 1));
    assertRefused(DEFAULT, TinyLora.of(1, 1, 1), wide)
        .withMessageContaining("'encoder.query' adapts a weight of [1, 3], and in a one of [1, 2]");
  }

  @Test
  void oneLayerUnderTwoNamesIsRefused() {
    TinyLora prefixed = new TinyLora().with(TinyLora.PREFIX + "bert.encoder.query", 1, 1, 1);
    assertRefused(DEFAULT, TinyLora.of(1, 1, 1), prefixed)
        .withMessageContaining("'bert.encoder.query' and 'encoder.query' seem to be one layer");
  }

  @Test
  void tensorsOfOtherMethodsAreRefusedByName() {
    TinyLora dora = TinyLora.of(1, 1, 1);
    dora.put(Tensor.ofFloats(TinyLora.LAYER + ".lora_magnitude_vector", Shape.of(1), 1));
    assertRefused(DEFAULT, TinyLora.of(1, 1, 1), dora).withMessageContaining("lora_magnitude");
    TinyLora half = TinyLora.of(1, 1, 1);
    half.tensors.remove(TinyLora.LAYER + ".lora_B.weight");
    assertRefused(DEFAULT, TinyLora.of(1, 1, 1), half).withMessageContaining("half of a product");
  }

  @Test
  void factorsOfDifferentRanksAreNotAdded() {
    TinyLora two = new TinyLora();
    two.put(Tensor.ofFloats(TinyLora.LAYER + ".lora_A.weight", Shape.of(2, 2), 1, 2, 3, 4));
    two.put(Tensor.ofFloats(TinyLora.LAYER + ".lora_B.weight", Shape.of(1, 2), 1, 1));
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(
            () ->
                combined(
                    CombinationRecipe.of(CombinationType.LINEAR),
                    DEFAULT,
                    TinyLora.of(1, 1, 1),
                    two))
        .withMessageContaining("'encoder.query' has rank 1 in one and rank 2 in another");
  }

  @Test
  void weightsThatCancelLeaveNothing() {
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(
            () ->
                new AdapterCombination(
                        List.of(
                            new WeightedAdapter("a", TinyLora.of(1, 1, 1).adapter(), 1),
                            new WeightedAdapter("b", TinyLora.of(1, 1, 1).adapter(), -1)),
                        CombinationRecipe.of(CombinationType.LINEAR),
                        DEFAULT)
                    .combine())
        .withMessageContaining("changes nothing");
  }

  @ParameterizedTest
  @EnumSource(CombinationType.class)
  void everyTypeCombinesWithItsOwnMasks(CombinationType type) {
    CombinationRecipe recipe = CombinationRecipe.of(type).withDensity(0.9);
    TinyLora one = square(1, 2, 3, 4);
    TinyLora other = square(3, 1, -4, 2);
    CombinedAdapter first = combined(recipe.withSeed(3), DEFAULT, one, other);
    assertThat(combined(recipe.withSeed(3), DEFAULT, one, other).adapter().digest())
        .isEqualTo(first.adapter().digest());
    assertThat(first.layers()).isEqualTo(1);
  }

  /** Large enough that no density of these tests leaves a factor without elements. */
  private static TinyLora square(float... values) {
    TinyLora adapter = new TinyLora();
    adapter.put(Tensor.ofFloats(TinyLora.LAYER + ".lora_A.weight", Shape.of(2, 2), values));
    return adapter.put(Tensor.ofFloats(TinyLora.LAYER + ".lora_B.weight", Shape.of(2, 2), values));
  }

  @Test
  void targetsAreThoseOfAllAdaptersByNameOrPattern() {
    TinyLora query = TinyLora.of(1, 1, 1);
    TinyLora value = new TinyLora().with(TinyLora.PREFIX + "encoder.value", 1, 1, 1);
    value.configured(config(List.of("value", "query"), JsonText.object()));
    assertThat(targets(query, value)).containsExactly("query", "value");

    ObjectNode layers = JsonText.object();
    layers.putArray("layers_to_transform").add(1);
    value.configured(config(List.of("value"), layers));
    assertThat(targets(query, value)).containsExactly("encoder.query", "encoder.value");

    ObjectNode pattern = JsonText.object().put("target_modules", ".*value");
    value.configured(config(List.of(".*value"), pattern));
    assertThat(targets(query, value)).containsExactly("encoder.query", "encoder.value");
    assertThat(targets(value, value)).containsExactly("(.*value)|(.*value)");
  }

  private static List<String> targets(TinyLora... adapters) {
    LoraConfig config = combined(CAT, DEFAULT, adapters).adapter().lora();
    assertThat(config.other().has("layers_to_transform")).isFalse();
    return config.targetModules();
  }

  private static LoraConfig config(List<String> targets, ObjectNode other) {
    return new LoraConfig(1, 1, 0, targets, List.of(), false, "none", "", "", other);
  }
}
