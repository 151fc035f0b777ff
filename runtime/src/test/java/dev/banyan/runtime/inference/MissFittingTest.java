package dev.banyan.runtime.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.CommonConfig;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.MissConfig;
import dev.banyan.artifacts.adapter.OwnConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.ort.SessionSettings;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** MiSS's blocks are not filled up with zeros, as their rows are for every r-th input. */
class MissFittingTest {
  private static final String LAYER = "encoder.dense";
  private static final String BLOCK = LAYER + ".miss_block";
  private static final ParameterSpec SPEC =
      ParameterSpec.of(MethodName.MISS, BLOCK, List.of(ParameterSpec.RANK, "4"), Initializer.ZEROS);

  @Test
  void blockOfALowerRankIsRepeatedInTheRoomOfAHigherOne() {
    Tensor block = Tensor.ofFloats(BLOCK, Shape.of(2, 4), 1, 2, 3, 4, 5, 6, 7, 8);
    Tensor grown = SPEC.grown(block, room(6).room());
    assertThat(grown.shape()).isEqualTo(Shape.of(6, 4));
    assertThat(grown.floats())
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  @Test
  void rankThatDoesNotDivideTheRoomIsRefusedWithTheNextRoomThatFits() {
    assertThat(AdapterWeights.fit(adapter(5, 4, false), bundle(), room(10)).rank()).isEqualTo(5);
    assertThatThrownBy(() -> AdapterWeights.fit(adapter(5, 4, false), bundle(), room(16)))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("its blocks have 5 rows, and a room of 16 is no multiple of that")
        .hasMessageContaining("--max-rank 20");
    // What is only looked at is in no bank.
    assertThat(AdapterWeights.fit(adapter(5, 4, false), bundle(), ServingPlan.anySize()).rank())
        .isEqualTo(5);
  }

  @Test
  void blockOfRepeatedColumnsIsWrittenOut() {
    AdapterWeights weights = AdapterWeights.fit(adapter(2, 2, true), bundle(), room(4));
    assertThat(Objects.requireNonNull(weights.tensors().get(BLOCK)).floats())
        .containsExactly(1, 2, 1, 2, 3, 4, 3, 4);
  }

  @Test
  void rankOfAnotherMethodOfTheAdapterDoesNotCount() {
    PeftAdapter alone = adapter(2, 4, false);
    LoraConfig lora =
        new LoraConfig(4, 8, 0, List.of("other"), List.of(), false, "none", "SEQ_CLS", "tiny");
    OwnConfig both =
        new OwnConfig(alone.config().common(), List.of(alone.config(), lora), List.of());
    PeftAdapter adapter = new PeftAdapter(both, alone.weights());

    AdapterWeights weights =
        AdapterWeights.fit(adapter, bundle(MethodName.MISS, MethodName.LORA), room(6));

    assertThat(weights.rank()).isEqualTo(2);
  }

  private static ServingPlan room(int rank) {
    return new ServingPlan(2, rank, 4, SessionSettings.defaults());
  }

  private static BundleManifest bundle() {
    return bundle(MethodName.MISS);
  }

  private static BundleManifest bundle(MethodName... names) {
    BundleManifest tiny = TinyBundle.manifest();
    List<MethodInfo> methods =
        Stream.of(names).map(name -> new MethodInfo(name, "dense", List.of(LAYER))).toList();
    return new BundleManifest(
        tiny.task(),
        tiny.base(),
        tiny.text(),
        new AdapterInfo(methods, "", BiasTraining.NONE, List.of()),
        List.of(SPEC));
  }

  private static PeftAdapter adapter(int rank, int columns, boolean mini) {
    String key = "base_model.model." + BLOCK;
    float[] values = new float[rank * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = i + 1;
    }
    CommonConfig common =
        new CommonConfig(List.of("dense"), List.of(), "SEQ_CLS", "tiny", JsonText.object());
    return new PeftAdapter(
        new MissConfig(common, rank, "none", mini),
        new SafetensorsFile(
            Map.of("format", "pt"),
            Map.of(key, Tensor.ofFloats(key, Shape.of(rank, columns), values))));
  }
}
