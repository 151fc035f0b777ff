package dev.banyan.runtime.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.TinyBundle;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** LoRA of a table of embeddings, as PEFT's file has it. */
class EmbeddingFittingTest {
  private static final String TABLE = "model.embed_tokens";
  private static final String A = TABLE + ".lora_embedding_A";
  private static final String B = TABLE + ".lora_embedding_B";
  private static final String PREFIX = "base_model.model.";

  @Test
  void factorsAreTurnedAndTheScalingIsInTheSecond() {
    AdapterWeights weights = fit(Map.of());
    assertThat(weights.tensors().get(A)).satisfies(a -> shaped(a, 3, 2));
    assertThat(weights.tensors().get(B))
        .satisfies(
            b -> {
              shaped(b, 2, 4);
              // alpha / rank = 2
              assertThat(b.floats()).containsExactly(0, 4, 8, 12, 2, 6, 10, 14);
            });
  }

  /** PEFT writes the whole table beside the factors of a module of this name. */
  @Test
  void theBasesOwnTableInTheFileIsNotRead() {
    String table = PREFIX + TABLE + ".base_layer.weight";
    assertThat(fit(Map.of(table, Tensor.ofFloats(table, Shape.of(3, 4), new float[12]))).tensors())
        .containsOnlyKeys(A, B);
  }

  @Test
  void aTableThatTheBundleDoesNotAdaptIsRefusedWithTheTargetToName() {
    String other = PREFIX + "model.embed_types.lora_embedding_A";
    assertThatThrownBy(
            () -> fit(Map.of(other, Tensor.ofFloats(other, Shape.of(2, 3), new float[6]))))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("model.embed_types.lora_embedding_A");
    String convolution = PREFIX + "stem.lora_A.weight";
    assertThatThrownBy(
            () ->
                fit(
                    Map.of(
                        convolution, Tensor.ofFloats(convolution, Shape.of(2, 3), new float[6]))))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("targets name stem");
  }

  private static void shaped(Tensor tensor, long rows, long columns) {
    assertThat(tensor.shape()).isEqualTo(Shape.of(rows, columns));
  }

  private static AdapterWeights fit(Map<String, Tensor> more) {
    Map<String, Tensor> tensors = new LinkedHashMap<>(more);
    tensors.put(PREFIX + A, counted(PREFIX + A, 2, 3));
    tensors.put(PREFIX + B, counted(PREFIX + B, 4, 2));
    LoraConfig config =
        new LoraConfig(2, 4, 0, List.of("embed_tokens"), List.of(), false, "none", "", "");
    PeftAdapter adapter = new PeftAdapter(config, new SafetensorsFile(Map.of(), tensors));
    return AdapterWeights.fit(adapter, bundle(), ServingPlan.anySize());
  }

  private static Tensor counted(String name, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    return Tensor.ofFloats(name, Shape.of(rows, columns), values);
  }

  private static BundleManifest bundle() {
    MethodName lora = MethodName.LORA;
    List<ParameterSpec> parameters = new ArrayList<>();
    parameters.add(
        ParameterSpec.of(lora, A, List.of("3", ParameterSpec.RANK), Initializer.ZEROS)
            .stored(A, Layout.TRANSPOSED));
    parameters.add(
        ParameterSpec.of(lora, B, List.of(ParameterSpec.RANK, "4"), Initializer.NORMAL)
            .stored(B, Layout.TRANSPOSED)
            .withScaling());
    BundleManifest tiny = TinyBundle.manifest();
    AdapterInfo adapter = AdapterInfo.lora("embed_tokens", List.of(TABLE), "");
    return new BundleManifest(tiny.task(), tiny.base(), tiny.text(), adapter, parameters);
  }
}
