package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.bundle.LayerPart;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Gives layers or parts of layers ranks of their own in a configuration, with a known scaling. */
final class PartRanks {
  private final LoraConfig config;
  private final Map<String, Integer> ranks = new LinkedHashMap<>();
  private final Map<String, Double> alphas = new LinkedHashMap<>();
  private final Set<String> forgotten = new HashSet<>();

  PartRanks(LoraConfig config) {
    this.config = config;
  }

  /** Gives a module a rank, and the alpha with which it is scaled so. */
  void add(String module, int rank, double scaling) {
    ranks.put(module, rank);
    alphas.put(module, scaling * (config.rslora() ? Math.sqrt(rank) : rank));
  }

  /** Leaves out what there is of this module. */
  void forget(String module) {
    forgotten.add(module);
  }

  /** The configuration with them, before those that it has. */
  LoraConfig config() {
    if (ranks.isEmpty()) {
      return config;
    }
    Map<String, Integer> allRanks = new LinkedHashMap<>(ranks);
    left(LoraConfig.RANKS).forEach((key, rank) -> allRanks.putIfAbsent(key, rank.intValue()));
    Map<String, Double> allAlphas = new LinkedHashMap<>(alphas);
    left(LoraConfig.ALPHAS).forEach((key, alpha) -> allAlphas.putIfAbsent(key, alpha.asDouble()));
    return config.withPatterns(allRanks, allAlphas);
  }

  private Map<String, JsonNode> left(String pattern) {
    Map<String, JsonNode> left = new LinkedHashMap<>();
    if (config.other().path(pattern) instanceof ObjectNode known) {
      known.properties().stream()
          .filter(entry -> !forgotten.contains(entry.getKey()))
          .forEach(entry -> left.put(entry.getKey(), entry.getValue()));
    }
    return left;
  }

  /**
   * The configuration that names layers instead of their parts; where all have one rank and alpha,
   * as its own, which every program reads.
   */
  LoraConfig ofLayers(Map<String, Map<String, LayerPart>> layers) {
    Map<String, String> layerOf = new LinkedHashMap<>();
    layers.forEach((layer, parts) -> parts.keySet().forEach(part -> layerOf.put(part, layer)));
    List<String> targets =
        config.targetModules().stream()
            .map(target -> layerOf.getOrDefault(target, target))
            .distinct()
            .toList();
    boolean one = Set.copyOf(ranks.values()).size() == 1 && Set.copyOf(alphas.values()).size() == 1;
    boolean all = layerOf.keySet().containsAll(config.targetModules());
    LoraConfig described = one && all ? config.withPatterns(Map.of(), Map.of()) : config();
    return new LoraConfig(
        one && all ? ranks.values().iterator().next() : config.rank(),
        one && all ? alphas.values().iterator().next() : config.alpha(),
        config.dropout(),
        targets,
        config.modulesToSave(),
        config.rslora(),
        config.bias(),
        config.taskType(),
        config.baseModel(),
        described.other());
  }
}
