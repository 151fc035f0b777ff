package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * What the configuration of every adapter has.
 *
 * @param targetModules {@code target_modules}; one entry if the file has a pattern
 * @param modulesToSave {@code modules_to_save}: layers trained whole, such as the head
 * @param taskType {@code task_type}, such as {@code SEQ_CLS}; empty for none
 * @param baseModel {@code base_model_name_or_path}; empty for none
 * @param other every key of the file that no other component has, kept as it was
 */
public record CommonConfig(
    List<String> targetModules,
    List<String> modulesToSave,
    String taskType,
    String baseModel,
    ObjectNode other) {
  /** Copies the collections. */
  public CommonConfig {
    targetModules = List.copyOf(targetModules);
    modulesToSave = List.copyOf(modulesToSave);
    other = other.deepCopy();
  }

  /** The same over a base of another name. */
  CommonConfig withBaseModel(String name) {
    return new CommonConfig(targetModules, modulesToSave, taskType, name, other);
  }
}
