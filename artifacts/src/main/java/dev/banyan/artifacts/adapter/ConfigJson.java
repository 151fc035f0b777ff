package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.JsonText;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Takes an {@code adapter_config.json} apart, key by key: what is taken is removed, so that what is
 * left is what the method does not know. Each method refuses what would silently give other
 * answers.
 */
final class ConfigJson {
  static final String BIAS = "bias";
  private final String artifact;
  private final ObjectNode json;

  private ConfigJson(String artifact, ObjectNode json) {
    this.artifact = artifact;
    this.json = json;
  }

  /**
   * Reads the bytes of a file.
   *
   * @throws CorruptArtifact if they are damaged
   * @throws UnusableArtifact if the adapter is of a kind, or has a setting, that Banyan does not
   *     compute
   */
  static AdapterConfig parse(String artifact, byte[] bytes) {
    return parse(artifact, JsonText.parse(artifact, bytes));
  }

  static AdapterConfig parse(String artifact, ObjectNode json) {
    JsonNode type = json.path("peft_type");
    if (!type.isTextual()) {
      throw new CorruptArtifact(artifact, "no \"peft_type\"", "a PEFT configuration");
    }
    ConfigJson keys = new ConfigJson(artifact, json);
    return switch (type.textValue()) {
      case "LORA" -> LoraConfig.parse(keys);
      case "LOHA" -> LohaConfig.parse(keys);
      case "LOKR" -> LokrConfig.parse(keys);
      case "MISS" -> MissConfig.parse(keys);
      case "VERA" -> VeraConfig.parse(keys);
      case "IA3" -> Ia3Config.parse(keys);
      case PromptConfig.TYPE -> PromptConfig.parse(keys);
      case PrefixConfig.TYPE -> PrefixConfig.parse(keys);
      case LnTuningConfig.TYPE -> LnTuningConfig.parse(keys);
      case OwnConfig.TYPE -> OwnConfig.parse(keys);
      default -> throw UnsupportedSettings.unsupported(artifact, "peft_type", type);
    };
  }

  /** The file's name for messages. */
  String artifact() {
    return artifact;
  }

  /** Takes what every adapter has, and with it all other keys that are left. */
  CommonConfig takeCommon() {
    List<String> saved = takeNames("modules_to_save");
    String task = takeText("task_type");
    String base = takeText("base_model_name_or_path");
    json.remove("peft_type");
    List<String> targets;
    if (json.path("target_modules").isTextual()) {
      // A pattern stays among the other keys, because a list of one name would mean another thing.
      targets = List.of(json.path("target_modules").textValue());
    } else {
      targets = takeNames("target_modules");
    }
    return new CommonConfig(targets, saved, task, base, json);
  }

  /** Takes a list of names; empty if it is absent or null. A single name is a list of it. */
  List<String> takeNames(String key) {
    JsonNode node = json.path(key);
    json.remove(key);
    if (node.isMissingNode() || node.isNull()) {
      return List.of();
    }
    if (node.isTextual()) {
      return List.of(node.textValue());
    }
    List<String> names = new ArrayList<>();
    for (JsonNode element : node) {
      if (!element.isTextual()) {
        throw corrupt(key, node, "a list of texts");
      }
      names.add(element.textValue());
    }
    if (!node.isArray()) {
      throw corrupt(key, node, "a list of texts");
    }
    return names;
  }

  /** Takes a list of objects; empty if it is absent. */
  List<ObjectNode> takeObjects(String key) {
    JsonNode node = json.path(key);
    json.remove(key);
    List<ObjectNode> objects = new ArrayList<>();
    for (JsonNode element : node) {
      if (!(element instanceof ObjectNode object)) {
        throw corrupt(key, node, "a list of objects");
      }
      objects.add(object);
    }
    return objects;
  }

  /** Takes a text; empty if it is absent or null. */
  String takeText(String key) {
    JsonNode node = json.path(key);
    json.remove(key);
    if (node.isMissingNode() || node.isNull()) {
      return "";
    }
    if (!node.isTextual()) {
      throw corrupt(key, node, "a text");
    }
    return node.textValue();
  }

  /** Takes a positive whole number. */
  int takeCount(String key, int absent) {
    JsonNode node = json.path(key);
    json.remove(key);
    if (node.isMissingNode()) {
      return absent;
    }
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1) {
      throw corrupt(key, node, "a positive whole number");
    }
    return node.intValue();
  }

  /** Takes a positive whole number that has to be there. */
  int requireCount(String key) {
    if (json.path(key).isMissingNode()) {
      throw new CorruptArtifact(artifact, "no \"" + key + "\"", "a positive whole number");
    }
    return takeCount(key, 1);
  }

  /**
   * Refuses a whole number other than the one that is computed.
   *
   * @throws UnusableArtifact if it is there, not null and another
   */
  void refuseOther(String key, int computed) {
    JsonNode node = json.path(key);
    if (!UnsupportedSettings.isOff(node)
        && !(node.isIntegralNumber() && node.intValue() == computed)) {
      throw UnsupportedSettings.unsupported(artifact, key, node);
    }
    json.remove(key);
  }

  /** Takes a finite number. */
  double takeNumber(String key, double absent) {
    JsonNode node = json.path(key);
    json.remove(key);
    if (node.isMissingNode()) {
      return absent;
    }
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw corrupt(key, node, "a number");
    }
    return node.doubleValue();
  }

  /** Takes values by regular expressions over module paths; none if it is absent or null. */
  ObjectNode takePattern(String key, Predicate<JsonNode> holds) {
    JsonNode node = json.path(key);
    checkPattern(key, holds);
    json.remove(key);
    return node instanceof ObjectNode pattern ? pattern : JsonText.object();
  }

  /** Checks such values, which stay among the other keys. */
  void checkPattern(String key, Predicate<JsonNode> holds) {
    LayerPattern.check(artifact, json.path(key), holds);
  }

  /** Takes true or false; false if it is absent or null. */
  boolean takeFlag(String key) {
    return takeFlag(key, false);
  }

  /** Takes true or false. */
  boolean takeFlag(String key, boolean absent) {
    boolean flag = json.hasNonNull(key) ? flag(key) : absent;
    json.remove(key);
    return flag;
  }

  /** True or false, which stays among the other keys. */
  boolean flag(String key) {
    JsonNode node = json.path(key);
    if (node.isMissingNode() || node.isNull()) {
      return false;
    }
    if (!node.isBoolean()) {
      throw corrupt(key, node, "true or false");
    }
    return node.booleanValue();
  }

  /**
   * Refuses a setting that changes what the adapter computes.
   *
   * @throws UnusableArtifact if it is neither absent nor null, false or empty
   */
  void refuseIfSet(String key) {
    if (!UnsupportedSettings.isOff(json.path(key))) {
      throw UnsupportedSettings.unsupported(artifact, key, json.path(key));
    }
    json.remove(key);
  }

  /**
   * Refuses the settings of LoRA that change what it computes.
   *
   * @throws UnusableArtifact naming the first that is set
   */
  void refuseUnsupported() {
    UnsupportedSettings.refuse(artifact, json);
  }

  /** Refuses one value of a setting that changes what the adapter computes. */
  void refuseIf(String key, String value) {
    if (has(key, value)) {
      throw UnsupportedSettings.unsupported(artifact, key, json.path(key));
    }
  }

  /** Whether a key has this text; it stays among the others. */
  boolean has(String key, String value) {
    return json.path(key).asText().equals(value);
  }

  /**
   * Takes {@code bias}, as {@code none}, {@code all} or {@code lora_only}.
   *
   * @param ofLayers what PEFT calls the last one for this method
   */
  String takeBias(String ofLayers) {
    JsonNode node = json.path(BIAS);
    String bias = takeText(BIAS);
    if (bias.equals(ofLayers)) {
      return BiasTraining.LORA_ONLY.text();
    }
    if (bias.isEmpty()) {
      return BiasTraining.NONE.text();
    }
    if (bias.equals(BiasTraining.LORA_ONLY.text()) || BiasTraining.of(bias).isEmpty()) {
      throw UnsupportedSettings.unsupported(artifact, BIAS, node);
    }
    return bias;
  }

  CorruptArtifact corrupt(String key, Object node, String expected) {
    return new CorruptArtifact(artifact, "\"%s\" = %s".formatted(key, node), expected);
  }
}
