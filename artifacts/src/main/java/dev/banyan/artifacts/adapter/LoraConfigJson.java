package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.JsonText;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads and writes {@code adapter_config.json}, refusing what would silently give other answers.
 */
final class LoraConfigJson {
  private final String artifact;
  private final ObjectNode json;

  private LoraConfigJson(String artifact, ObjectNode json) {
    this.artifact = artifact;
    this.json = json;
  }

  static LoraConfig parse(String artifact, ObjectNode json) {
    UnsupportedSettings.refuse(artifact, json);
    return new LoraConfigJson(artifact, json).config();
  }

  private LoraConfig config() {
    int rank = rank(json.path("r"));
    double alpha = number("lora_alpha", 8);
    double dropout = number("lora_dropout", 0);
    List<String> targets = targets();
    List<String> saved = texts("modules_to_save");
    boolean rslora = flag("use_rslora");
    flag("use_dora");
    String bias = text("bias", "none");
    String task = text("task_type", "");
    String base = text("base_model_name_or_path", "");
    LayerPattern.check(
        artifact, json.path(LoraConfig.RANKS), node -> node.isInt() && node.intValue() >= 1);
    LayerPattern.check(
        artifact, json.path(LoraConfig.ALPHAS), node -> Double.isFinite(node.asDouble(Double.NaN)));
    json.remove(
        List.of(
            "peft_type",
            "r",
            "lora_alpha",
            "lora_dropout",
            "modules_to_save",
            "use_rslora",
            "bias",
            "task_type",
            "base_model_name_or_path"));
    return new LoraConfig(rank, alpha, dropout, targets, saved, rslora, bias, task, base, json);
  }

  private int rank(JsonNode node) {
    // PEFT's own default, which it nevertheless always writes.
    if (node.isMissingNode()) {
      return 8;
    }
    if (!node.canConvertToInt() || !node.isIntegralNumber() || node.intValue() < 1) {
      throw corrupt("\"r\" = " + node, "a positive whole number");
    }
    return node.intValue();
  }

  private double number(String key, double absent) {
    JsonNode node = json.path(key);
    if (node.isMissingNode()) {
      return absent;
    }
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw corrupt("\"%s\" = %s".formatted(key, node), "a number");
    }
    return node.doubleValue();
  }

  private boolean flag(String key) {
    JsonNode node = json.path(key);
    if (!node.isMissingNode() && !node.isNull() && !node.isBoolean()) {
      throw corrupt("\"%s\" = %s".formatted(key, node), "true or false");
    }
    return node.asBoolean();
  }

  private String text(String key, String absent) {
    JsonNode node = json.path(key);
    if (node.isMissingNode() || node.isNull()) {
      return absent;
    }
    if (!node.isTextual()) {
      throw corrupt("\"%s\" = %s".formatted(key, node), "a text");
    }
    return node.textValue();
  }

  /**
   * A pattern stays in the other keys too, because a list of one name would mean something else.
   */
  private List<String> targets() {
    if (json.path("target_modules").isTextual()) {
      return List.of(json.path("target_modules").textValue());
    }
    List<String> targets = texts("target_modules");
    json.remove("target_modules");
    return targets;
  }

  private List<String> texts(String key) {
    JsonNode node = json.path(key);
    if (node.isMissingNode() || node.isNull()) {
      return List.of();
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : node) {
      if (!element.isTextual()) {
        throw corrupt("\"%s\" = %s".formatted(key, node), "a list of texts");
      }
      texts.add(element.textValue());
    }
    if (!node.isArray()) {
      throw corrupt("\"%s\" = %s".formatted(key, node), "a list of texts");
    }
    return texts;
  }

  private CorruptArtifact corrupt(String seen, String expected) {
    return new CorruptArtifact(artifact, seen, expected);
  }

  static ObjectNode write(LoraConfig config) {
    ObjectNode json = JsonText.object();
    json.put("peft_type", "LORA");
    json.put("r", config.rank());
    if (config.alpha() == Math.rint(config.alpha()) && Math.abs(config.alpha()) < 1e9) {
      // PEFT declares an int here and writes one.
      json.put("lora_alpha", (long) config.alpha());
    } else {
      json.put("lora_alpha", config.alpha());
    }
    json.put("lora_dropout", config.dropout());
    put(json.putArray("target_modules"), config.targetModules());
    if (config.modulesToSave().isEmpty()) {
      json.putNull("modules_to_save");
    } else {
      put(json.putArray("modules_to_save"), config.modulesToSave());
    }
    json.put("use_rslora", config.rslora());
    json.put("bias", config.bias());
    putText(json, "task_type", config.taskType());
    putText(json, "base_model_name_or_path", config.baseModel());
    // What PEFT writes for an adapter that is only used.
    json.put("inference_mode", true);
    json.put("fan_in_fan_out", false);
    json.put("use_dora", false);
    json.put("init_lora_weights", true);
    json.putObject(LoraConfig.RANKS);
    json.putObject(LoraConfig.ALPHAS);
    json.putNull("layers_to_transform");
    json.setAll(config.other());
    return json;
  }

  private static void put(ArrayNode array, List<String> texts) {
    texts.forEach(array::add);
  }

  private static void putText(ObjectNode json, String key, String text) {
    if (text.isEmpty()) {
      json.putNull(key);
    } else {
      json.put(key, text);
    }
  }
}
