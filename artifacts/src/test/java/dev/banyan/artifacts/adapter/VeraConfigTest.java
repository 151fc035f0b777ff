package dev.banyan.artifacts.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class VeraConfigTest {
  @Test
  void whatIsMissingIsAsPeftHasIt() {
    VeraConfig config = read("\"bias\": \"none\"");
    assertThat(config.size(Size.PROJECTION, "")).hasValue(256);
    assertThat(config.size(Size.RANK, "")).isEmpty();
    assertThat(config.key()).isZero();
    assertThat(config.savesProjection()).isTrue();
    assertThat(config.initial()).isEqualTo(0.1);
  }

  @Test
  void keyIsPartOfTheAdapterOnlyWhereTheProjectionIsNotInItsFile() {
    assertThat(read("\"projection_prng_key\": 7").identity())
        .isEqualTo(read("\"projection_prng_key\": 8").identity());
    assertThat(read("\"save_projection\": false, \"projection_prng_key\": 7").identity())
        .isNotEqualTo(read("\"save_projection\": false, \"projection_prng_key\": 8").identity());
  }

  @Test
  void keyThatIsNoWholeNumberIsRefusedByName() {
    assertThatThrownBy(() -> read("\"projection_prng_key\": 0.5"))
        .isInstanceOf(CorruptArtifact.class)
        .hasMessageContaining("projection_prng_key");
  }

  @Test
  void biasesOfItsOwnLayersHavePeftsNameInTheFile() {
    AdapterConfig config = read("\"bias\": \"vera_only\"");
    assertThat(config.bias()).isEqualTo("lora_only");
    assertThat(config.json().path("bias").asText()).isEqualTo("vera_only");
    assertThatThrownBy(() -> read("\"bias\": \"lora_only\""))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("\"bias\" is \"lora_only\"");
  }

  private static VeraConfig read(String setting) {
    String json = "{\"peft_type\": \"VERA\", " + setting + "}";
    ObjectNode parsed = JsonText.parse("test", json.getBytes(StandardCharsets.UTF_8));
    return (VeraConfig) ConfigJson.parse("test", parsed);
  }
}
