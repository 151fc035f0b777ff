package dev.banyan.artifacts.combine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.adapter.LoraConfig;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The configuration of the combined adapter.
 *
 * @param adapters what is combined
 * @param source the configuration of the adapter that gives the head
 */
record CombinedConfig(List<WeightedAdapter> adapters, LoraConfig source) {
  private static final String TARGETS = "target_modules";

  /** Keys that narrow the choice of layers further, each adapter's for itself. */
  private static final List<String> NARROWING =
      List.of("layers_to_transform", "layers_pattern", "exclude_modules");

  /**
   * A configuration with the scaling one.
   *
   * @param modules the module paths of all layers
   */
  LoraConfig of(int rank, List<String> modules) {
    ObjectNode other = source.other().deepCopy();
    other.remove(TARGETS);
    other.remove(NARROWING);
    List<String> targets = modules;
    if (adapters.stream().noneMatch(CombinedConfig::narrows)) {
      if (adapters.stream().noneMatch(CombinedConfig::hasPattern)) {
        targets = names();
      } else if (adapters.stream().allMatch(CombinedConfig::hasPattern)) {
        targets = List.of(pattern());
        other.put(TARGETS, targets.getFirst());
      }
    }
    return new LoraConfig(
            rank,
            rank,
            source.dropout(),
            targets,
            source.modulesToSave(),
            false,
            source.bias(),
            source.taskType(),
            source.baseModel(),
            other)
        .withPatterns(Map.of(), Map.of());
  }

  private static boolean hasPattern(WeightedAdapter each) {
    return each.adapter().lora().other().has(TARGETS);
  }

  private static boolean narrows(WeightedAdapter each) {
    ObjectNode other = each.adapter().lora().other();
    return NARROWING.stream().map(other::path).anyMatch(CombinedConfig::isSet);
  }

  private static boolean isSet(JsonNode node) {
    return !node.isMissingNode() && !node.isNull() && !(node.isContainerNode() && node.isEmpty());
  }

  private List<String> names() {
    return adapters.stream()
        .flatMap(each -> each.adapter().config().targetModules().stream())
        .distinct()
        .toList();
  }

  private String pattern() {
    return adapters.stream()
        .map(each -> "(" + each.adapter().config().targetModules().getFirst() + ")")
        .collect(Collectors.joining("|"));
  }
}
