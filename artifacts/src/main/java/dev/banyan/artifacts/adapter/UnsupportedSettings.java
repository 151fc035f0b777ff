package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The settings of PEFT that change what an adapter computes and that Banyan does not compute. Each
 * is refused by its name; every other key, known or not, is harmless to an adapter that is only
 * used.
 */
final class UnsupportedSettings {
  /** Settings that are off when absent, null, false or empty. */
  private static final List<String> MUST_BE_OFF =
      List.of(
          "lora_bias",
          "use_qalora",
          "use_bdlora",
          "layer_replication",
          "trainable_token_indices",
          "target_parameters",
          "alora_invocation_tokens",
          "arrow_config",
          "kasa_config",
          "monteclora_config",
          "megatron_config");

  /** Starts that change the frozen weights, so that the adapter does not fit the original base. */
  private static final Pattern CHANGES_THE_BASE = Pattern.compile("(pissa_.*|corda|loftq|lora_ga)");

  /** Starts that are taken off again by factors of the base; DoRA's lengths would be others. */
  private static final Pattern COUNTS_FROM_THE_BASE = Pattern.compile("pissa|olora");

  private UnsupportedSettings() {}

  /**
   * Checks all of them.
   *
   * @throws UnusableArtifact naming the first that is set
   */
  static void refuse(String artifact, ObjectNode config) {
    for (String setting : MUST_BE_OFF) {
      JsonNode value = config.path(setting);
      if (!isOff(value)) {
        throw unsupported(artifact, setting, value);
      }
    }
    JsonNode bias = config.path("bias");
    if (!isOff(bias) && BiasTraining.of(bias.asText()).isEmpty()) {
      throw unsupported(artifact, "bias", bias);
    }
    JsonNode start = config.path("init_lora_weights");
    if (start.isTextual() && CHANGES_THE_BASE.matcher(start.textValue()).matches()) {
      throw unsupported(artifact, "init_lora_weights", start);
    }
    if (COUNTS_FROM_THE_BASE.matcher(start.asText()).matches() && !isOff(config.path("use_dora"))) {
      throw unsupported(artifact, "init_lora_weights", start, "together with use_dora");
    }
  }

  static boolean isOff(JsonNode value) {
    return value.isMissingNode()
        || value.isNull()
        || (value.isBoolean() && !value.booleanValue())
        || (value.isContainerNode() && value.isEmpty());
  }

  static UnusableArtifact unsupported(String artifact, String setting, JsonNode value) {
    return unsupported(artifact, setting, value, "");
  }

  private static UnusableArtifact unsupported(
      String artifact, String setting, JsonNode value, String where) {
    return new UnusableArtifact(
        artifact,
        "\"%s\" is %s%s, which Banyan does not support"
            .formatted(setting, value, where.isEmpty() ? "" : " " + where),
        "train an adapter of a method that 'banyan methods' lists, or convert this one with PEFT");
  }
}
