package dev.banyan.artifacts.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class MissConfigTest {
  @Test
  void blocksThatMultiplyTheWeightAreRefusedByName() {
    assertThatThrownBy(() -> read("\"init_weights\": \"bat\""))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("\"init_weights\" is \"bat\"");
  }

  @Test
  void biasesOfItsOwnLayersHavePeftsNameInTheFile() {
    AdapterConfig config = read("\"bias\": \"MiSS_only\"");
    assertThat(config.bias()).isEqualTo("lora_only");
    assertThat(config.json().path("bias").asText()).isEqualTo("MiSS_only");
    assertThatThrownBy(() -> read("\"bias\": \"lora_only\""))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("\"bias\" is \"lora_only\"");
  }

  private static AdapterConfig read(String setting) {
    String json = "{\"peft_type\": \"MISS\", \"r\": 4, " + setting + "}";
    ObjectNode parsed = JsonText.parse("test", json.getBytes(StandardCharsets.UTF_8));
    return ConfigJson.parse("test", parsed);
  }
}
