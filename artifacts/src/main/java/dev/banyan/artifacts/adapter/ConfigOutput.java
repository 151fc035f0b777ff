package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.integrity.JsonText;
import java.util.List;

/** Writes what {@link ConfigJson} takes apart. */
final class ConfigOutput {
  private ConfigOutput() {}

  /** The keys that every file has, but for those that are kept as they were. */
  static ObjectNode write(String type, CommonConfig common) {
    ObjectNode json = JsonText.object();
    json.put("peft_type", type);
    put(json.putArray("target_modules"), common.targetModules());
    if (common.modulesToSave().isEmpty()) {
      json.putNull("modules_to_save");
    } else {
      put(json.putArray("modules_to_save"), common.modulesToSave());
    }
    putText(json, "task_type", common.taskType());
    putText(json, "base_model_name_or_path", common.baseModel());
    // What PEFT writes for an adapter that is only used.
    return json.put("inference_mode", true);
  }

  static void put(ArrayNode array, List<String> texts) {
    texts.forEach(array::add);
  }

  private static void putText(ObjectNode json, String key, String text) {
    if (text.isEmpty()) {
      json.putNull(key);
    } else {
      json.put(key, text);
    }
  }

  /** Writes a number, a whole one as such, as PEFT declares most of them. */
  static void putNumber(ObjectNode json, String key, double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e9) {
      json.put(key, (long) value);
    } else {
      json.put(key, value);
    }
  }

  /** Writes what {@link ConfigJson#takeBias} took. */
  static void putBias(ObjectNode json, String bias, String ofLayers) {
    json.put(ConfigJson.BIAS, bias.equals(BiasTraining.LORA_ONLY.text()) ? ofLayers : bias);
  }
}
