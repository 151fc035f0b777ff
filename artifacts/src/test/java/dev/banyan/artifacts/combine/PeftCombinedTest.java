package dev.banyan.artifacts.combine;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against what PEFT made of the same adapters (benchmarks/interop/record_combined.py). */
class PeftCombinedTest {
  private static final Path FIXTURES =
      Path.of(System.getProperty("banyan.root", ".."))
          .resolve("benchmarks/parity/fixtures/peft-combined");
  private static final SafetensorsFile EXPECTED =
      SafetensorsFile.read(FIXTURES.resolve("expected.safetensors"));

  /** PEFT computes in 32 bits what is 64 here; values are of the order of one. */
  private static final float TOLERANCE = 1e-5f;

  static Stream<String> cases() {
    return recorded().properties().stream().map(Map.Entry::getKey);
  }

  private static JsonNode recorded() {
    String cases = requireNonNull(EXPECTED.metadata().get("cases"));
    return JsonText.parse("cases", cases.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void adaptersAreCombinedAsPeftCombinesThem(String name) {
    JsonNode asked = recorded().path(name);
    PeftAdapter seen = combine(name, asked).adapter();
    assertThat(seen.lora().rank()).isEqualTo(asked.path("r").intValue());
    assertThat(seen.lora().alpha()).isEqualTo(asked.path("lora_alpha").doubleValue());
    Map<String, Tensor> tensors = seen.weights().tensors();
    Map<String, Tensor> expected = expected(name);
    assertThat(tensors.keySet()).isEqualTo(expected.keySet());
    boolean products = asked.path("type").textValue().endsWith("svd");
    for (String key : new TreeSet<>(expected.keySet())) {
      Tensor own = requireNonNull(tensors.get(key));
      Tensor peft = requireNonNull(expected.get(key));
      assertThat(own.shape()).as(key).isEqualTo(peft.shape());
      if (!products) {
        assertClose(key, own.floats(), peft.floats());
      } else if (key.contains("_A")) {
        // Singular vectors have no sign of their own; their product does.
        String other = key.replace("_A", "_B");
        assertClose(
            key,
            product(own, requireNonNull(tensors.get(other))),
            product(peft, requireNonNull(expected.get(other))));
      }
    }
  }

  private static CombinedAdapter combine(String name, JsonNode asked) {
    List<WeightedAdapter> adapters = new ArrayList<>();
    asked
        .path("weights")
        .properties()
        .forEach(
            entry ->
                adapters.add(
                    new WeightedAdapter(
                        entry.getKey(),
                        PeftAdapter.read(FIXTURES.resolve(entry.getKey())),
                        entry.getValue().doubleValue())));
    String sign = asked.path("majority_sign_method").asText("total");
    CombinationRecipe recipe =
        CombinationRecipe.of(
                CombinationType.valueOf(asked.path("type").textValue().toUpperCase(Locale.ROOT)))
            .withDensity(asked.path("density").asDouble(1))
            .withSign(MajoritySign.valueOf(sign.toUpperCase(Locale.ROOT)))
            .withSvdRank(asked.path("svd_rank").asInt(0));
    return new AdapterCombination(adapters, recipe, new HeadChoice.MeanOfKnown())
        .combine((place, elements, density) -> recordedMask(name, place, elements));
  }

  private static boolean[] recordedMask(String name, RandomMasks.Place place, int elements) {
    Tensor mask =
        EXPECTED
            .tensor("masks/%s/%d/%s".formatted(name, place.adapter(), place.key()))
            .orElseThrow();
    boolean[] kept = new boolean[elements];
    assertThat(mask.shape().elements()).isEqualTo(elements);
    for (int i = 0; i < elements; i++) {
      kept[i] = mask.smallNumber(i) == 1;
    }
    return kept;
  }

  private static Map<String, Tensor> expected(String name) {
    Set<String> keys = EXPECTED.tensors().keySet();
    return keys.stream()
        .filter(key -> key.startsWith(name + "/"))
        .collect(
            Collectors.toMap(
                key -> key.substring(name.length() + 1),
                key -> EXPECTED.tensor(key).orElseThrow()));
  }

  private static float[] product(Tensor a, Tensor b) {
    int rank = (int) a.shape().dim(0);
    int rows = (int) b.shape().dim(0);
    int columns = (int) (a.shape().elements() / rank);
    float[] ofA = a.floats();
    float[] ofB = b.floats();
    float[] product = new float[rows * columns];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        for (int i = 0; i < rank; i++) {
          product[row * columns + column] += ofB[row * rank + i] * ofA[i * columns + column];
        }
      }
    }
    return product;
  }

  private static void assertClose(String what, float[] seen, float[] expected) {
    assertThat(seen).as(what).containsExactly(expected, within(TOLERANCE));
  }
}
