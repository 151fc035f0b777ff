package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Projection;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VeraTest extends AdapterMethodContract {
  @Override
  LayerMethod method() {
    return new Vera();
  }

  @ParameterizedTest
  @CsvSource({"vera,64,64", "gpt2_vera,64,48"})
  void projectionsAreDrawnAsPeftDrawsThemBitForBit(String fixture, long in, long out) {
    SafetensorsFile file =
        SafetensorsFile.read(Fixtures.peftMethod(fixture).resolve("adapter_model.safetensors"));
    Projection projection = new Projection(0, in, 0.1f);
    requireSame(projection.a(3), file, "base_model.vera_A");
    requireSame(projection.b(3, out), file, "base_model.vera_B");
  }

  private static void requireSame(Tensor drawn, SafetensorsFile file, String name) {
    Tensor recorded = Objects.requireNonNull(file.tensors().get(name));
    assertThat(drawn.shape()).isEqualTo(recorded.shape());
    assertThat(drawn.floats()).containsExactly(recorded.floats());
  }

  @ParameterizedTest
  @CsvSource({
    "projection_prng_key, 1.5, a whole number",
    "save_projection, yes, true or false",
    "d_initial, -1, a number such as 0.1",
    "d_initial, 0, more than 0"
  })
  void settingOfAnotherKindIsRefusedByName(String setting, String value, String expected) {
    assertThatThrownBy(() -> AdapterMethods.of(MethodName.VERA, Map.of(setting, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("method vera has " + setting + "='" + value + "'")
        .hasMessageContaining(expected);
  }

  @Test
  void settingThatItDoesNotHaveIsRefusedByName() {
    assertThatThrownBy(() -> AdapterMethods.of(MethodName.VERA, Map.of("alpha", "8")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("alpha")
        .hasMessageContaining("projection_prng_key, save_projection, d_initial");
  }
}
