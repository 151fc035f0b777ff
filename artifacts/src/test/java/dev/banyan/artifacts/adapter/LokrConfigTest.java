package dev.banyan.artifacts.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class LokrConfigTest {
  @Test
  void whatIsAProductInTheFileIsMultipliedForServers() {
    Tensor a = Tensor.ofFloats("x.query.lokr_w2_a", Shape.of(3, 2), 1, 2, 3, 4, 5, 6);
    Tensor b = Tensor.ofFloats("x.query.lokr_w2_b", Shape.of(2, 2), 1, 10, 100, 1000);
    Tensor outer = Tensor.ofFloats("x.query.lokr_w1", Shape.of(1, 2), 7, 8);
    Map<String, Tensor> whole =
        config("").whole(Map.of(a.name(), a, b.name(), b, outer.name(), outer));
    assertThat(whole).containsOnlyKeys("x.query.lokr_w1", "x.query.lokr_w2");
    Tensor product = Objects.requireNonNull(whole.get("x.query.lokr_w2"));
    assertThat(product.shape()).isEqualTo(Shape.of(3, 2));
    assertThat(product.floats()).containsExactly(201, 2010, 403, 4030, 605, 6050);
  }

  @Test
  void factorsThatDoNotFitEachOtherAreDamage() {
    Tensor a = Tensor.ofFloats("x.lokr_w1_a", Shape.of(3, 2), 1, 2, 3, 4, 5, 6);
    Tensor b = Tensor.ofFloats("x.lokr_w1_b", Shape.of(1, 2), 1, 10);
    assertThatThrownBy(() -> config("").whole(Map.of(a.name(), a, b.name(), b)))
        .isInstanceOf(CorruptArtifact.class)
        .hasMessageContaining("'x.lokr_w1_a' [3, 2] beside 'x.lokr_w1_b' [1, 2]");
  }

  @Test
  void loneHalfOfAProductStaysUnknown() {
    Tensor a = Tensor.ofFloats("x.lokr_w1_a", Shape.of(1, 2), 1, 2);
    assertThat(config("").whole(Map.of(a.name(), a))).containsOnlyKeys("x.lokr_w1_a");
  }

  @Test
  void bundleOfOtherSizesIsToBePreparedWithTheSameFactor() {
    assertThat(config(", \"decompose_factor\": 4").bundleFor(MethodName.LOKR))
        .contains("lokr:decompose_factor=4");
    assertThatThrownBy(() -> config(", \"decompose_factor\": 1.5"))
        .isInstanceOf(CorruptArtifact.class)
        .hasMessageContaining("\"decompose_factor\" = 1.5");
  }

  private static AdapterConfig config(String settings) {
    String json = "{\"peft_type\": \"LOKR\", \"r\": 2, \"alpha\": 4" + settings + "}";
    return ConfigJson.parse("test", JsonText.parse("test", json.getBytes(StandardCharsets.UTF_8)));
  }
}
