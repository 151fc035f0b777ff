package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import java.util.Map;

/**
 * Rank and alpha of the layers of an adapter whose change is scaled by alpha / rank, as PEFT's
 * LyCORIS methods have them.
 *
 * @param rank {@code r}
 * @param alpha {@code alpha}
 * @param ranks {@code rank_pattern}: other ranks, by regular expressions over module paths
 * @param alphas {@code alpha_pattern}: other alphas
 */
public record LayerScaling(int rank, double alpha, ObjectNode ranks, ObjectNode alphas) {
  /** Copies the patterns. */
  public LayerScaling {
    ranks = ranks.deepCopy();
    alphas = alphas.deepCopy();
  }

  /** With other ranks and alphas in some layers, given by whole module paths. */
  public LayerScaling(
      int rank, double alpha, Map<String, Integer> ranks, Map<String, Double> alphas) {
    this(rank, alpha, JsonText.object(), JsonText.object());
    ranks.forEach(this.ranks::put);
    alphas.forEach(this.alphas::put);
  }

  static LayerScaling take(ConfigJson json) {
    int rank = json.takeCount("r", 8);
    double alpha = json.takeNumber("alpha", 8);
    ObjectNode ranks =
        json.takePattern(LoraConfig.RANKS, node -> node.isInt() && node.intValue() >= 1);
    ObjectNode alphas =
        json.takePattern(LoraConfig.ALPHAS, node -> Double.isFinite(node.asDouble(Double.NaN)));
    return new LayerScaling(rank, alpha, ranks, alphas);
  }

  /** The rank of a layer. */
  public int rank(String module) {
    return LayerPattern.value(ranks, module).map(JsonNode::intValue).orElse(rank);
  }

  /** What the change of a layer's weight is multiplied by. */
  public double factor(String module) {
    double own = LayerPattern.value(alphas, module).map(JsonNode::doubleValue).orElse(alpha);
    return own / rank(module);
  }

  /** All of it as one text. */
  String identity() {
    return rank + " " + alpha + " " + ranks + " " + alphas;
  }

  void put(ObjectNode json) {
    json.put("r", rank);
    ConfigOutput.putNumber(json, "alpha", alpha);
    json.set(LoraConfig.RANKS, ranks.deepCopy());
    json.set(LoraConfig.ALPHAS, alphas.deepCopy());
  }
}
