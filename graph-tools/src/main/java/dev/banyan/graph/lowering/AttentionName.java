package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.ModulePath;
import java.util.List;

/**
 * What the layers of query, key and value were called before they were fused. The fused node has a
 * name of the optimizer's; the layer that its result goes to has kept the model's.
 *
 * @param layers module paths of query, key and value
 */
record AttentionName(List<String> layers) {
  /**
   * How families of models call these layers.
   *
   * @param output end of the path of the layer behind the attention
   * @param layers what stands there for query, key and value
   */
  private record Family(String output, List<String> layers) {}

  private static final List<Family> FAMILIES =
      List.of(
          new Family(
              "attention.output.dense",
              List.of("attention.self.query", "attention.self.key", "attention.self.value")),
          new Family("out_lin", List.of("q_lin", "k_lin", "v_lin")),
          new Family("out_proj", List.of("q_proj", "k_proj", "v_proj")),
          new Family("o_proj", List.of("q_proj", "k_proj", "v_proj")));

  /** The names, or names under the fused node's own. */
  static AttentionName of(Node attention) {
    String behind = behind(attention);
    for (Family family : FAMILIES) {
      if (behind.endsWith(family.output())) {
        String parent = behind.substring(0, behind.length() - family.output().length());
        return new AttentionName(family.layers().stream().map(name -> parent + name).toList());
      }
    }
    String own = ModulePath.of(attention);
    return new AttentionName(List.of(own + ".query", own + ".key", own + ".value"));
  }

  /** One of them. */
  String layer(int index) {
    return layers.get(index);
  }

  private static String behind(Node attention) {
    return attention.output().users().stream()
        .filter(user -> user.inputs().stream().anyMatch(Value::isConstant))
        .map(ModulePath::of)
        .findFirst()
        .orElse("");
  }
}
