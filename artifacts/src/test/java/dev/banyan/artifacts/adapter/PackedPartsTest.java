package dev.banyan.artifacts.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.LayerPart;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class PackedPartsTest {
  private static final String PREFIX = "base_model.model.";
  private static final String Q = "h.0.c_attn.q";
  private static final String V = "h.0.c_attn.v";

  private final PackedParts parts =
      new PackedParts(List.of(b(Q, 0), b(V, 4), b("h.1.c_attn.q", 0), b("h.1.c_attn.v", 4)));

  @Test
  void partsBecomeBlocksOfTheWholeLayer() {
    PeftAdapter packed = parts.pack(adapter(config(Map.of(), Map.of())));
    assertThat(packed.weights().tensors()).hasSize(4);
    assertThat(tensor(packed, "h.0.c_attn.lora_A.weight").shape()).isEqualTo(Shape.of(2, 3));
    assertThat(tensor(packed, "h.0.c_attn.lora_A.weight").floats())
        .containsExactly(1, 2, 3, 1, 2, 3);
    assertThat(tensor(packed, "h.0.c_attn.lora_B.weight").floats())
        .containsExactly(5, 0, 6, 0, 0, 0, 0, 0, 0, 5, 0, 6);
    LoraConfig config = packed.lora();
    assertThat(config.targetModules()).containsExactly("h.0.c_attn", "h.1.c_attn");
    assertThat(config.rank()).isEqualTo(2);
    assertThat(config.scaling("h.0.c_attn")).isEqualTo(3);
  }

  @Test
  void whatIsReadBackIsTheSameToTheBit() {
    PeftAdapter own = adapter(config(Map.of(), Map.of()));
    PeftAdapter back = parts.unpack(parts.pack(own));
    assertThat(back.weights().tensors().keySet()).isEqualTo(own.weights().tensors().keySet());
    own.weights()
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(Objects.requireNonNull(back.weights().tensors().get(name)).floats())
                    .isEqualTo(tensor.floats()));
    assertThat(back.lora().rank(Q)).isEqualTo(1);
    assertThat(back.lora().scaling(PREFIX + V)).isEqualTo(3);
    assertThat(parts.unpack(own)).isEqualTo(own);
  }

  @Test
  void partsOfOtherRanksAndScalingsKeepThem() {
    Map<String, Integer> ranks = Map.of(V, 2);
    PeftAdapter own = adapter(config(ranks, Map.of(V, 24.0)));
    PeftAdapter packed = parts.pack(own);
    assertThat(packed.lora().rank("h.0.c_attn")).isEqualTo(3);
    assertThat(packed.lora().rank("h.1.c_attn")).isEqualTo(2);
    assertThat(packed.lora().other().path(LoraConfig.RANKS).has(V)).isFalse();
    // The scaling of v is 12, that of q and of the layer 3.
    assertThat(packed.lora().scaling("h.0.c_attn")).isCloseTo(3, within(1e-12));
    assertThat(tensor(packed, "h.0.c_attn.lora_B.weight").floats())
        .containsExactly(5, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 20, 0, 24, 24);
  }

  @Test
  void columnsOfNoPartAreRefused() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    put(tensors, "h.0.c_attn.lora_A.weight", Shape.of(1, 3), 1, 2, 3);
    put(tensors, "h.0.c_attn.lora_B.weight", Shape.of(6, 1), 1, 1, 0, 1, 1, 1);
    PeftAdapter whole = new PeftAdapter(config(Map.of(), Map.of()), file(tensors));
    assertThatThrownBy(() -> parts.unpack(whole))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("changes output 3")
        .hasMessageContaining("targets name h.0.c_attn");
  }

  private static ParameterSpec b(String site, int from) {
    String layer = site.substring(0, site.lastIndexOf('.'));
    return ParameterSpec.of(
            MethodName.LORA, site + ".lora_B", List.of("rank", "2"), Initializer.ZEROS)
        .in(new LayerPart(layer, from, 2, 6));
  }

  private static LoraConfig config(Map<String, Integer> ranks, Map<String, Double> alphas) {
    List<String> sites = List.of(Q, V, "h.1.c_attn.q", "h.1.c_attn.v");
    return new LoraConfig(1, 3, 0, sites, List.of(), false, "none", "CAUSAL_LM", "")
        .withPatterns(ranks, alphas);
  }

  /** A of 1, 2, 3 and B of 5, 6 in every part, as often as the rank is. */
  private static PeftAdapter adapter(LoraConfig config) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (String site : config.targetModules()) {
      boolean twice = config.rank(site) == 2;
      float[] a = twice ? new float[] {1, 2, 3, 1, 2, 3} : new float[] {1, 2, 3};
      float[] b = twice ? new float[] {5, 5, 6, 6} : new float[] {5, 6};
      put(tensors, site + ".lora_A.weight", Shape.of(a.length / 3, 3), a);
      put(tensors, site + ".lora_B.weight", Shape.of(2, b.length / 2), b);
    }
    return new PeftAdapter(config, file(tensors));
  }

  private static void put(Map<String, Tensor> tensors, String key, Shape shape, float... values) {
    tensors.put(PREFIX + key, Tensor.ofFloats(PREFIX + key, shape, values));
  }

  private static SafetensorsFile file(Map<String, Tensor> tensors) {
    return new SafetensorsFile(Map.of("format", "pt"), tensors);
  }

  private static Tensor tensor(PeftAdapter adapter, String ending) {
    return adapter.weights().tensor(PREFIX + ending).orElseThrow();
  }
}
