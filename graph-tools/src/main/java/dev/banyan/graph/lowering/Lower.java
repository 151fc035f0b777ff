package dev.banyan.graph.lowering;

import dev.banyan.graph.GraphFailure.UnsupportedSetting;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.pass.RemoveUnused;
import dev.banyan.graph.types.TypeOf;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Rewrites fused operators, so that a model as an optimizer wrote it can be differentiated and its
 * linear layers can carry adapters.
 *
 * <p>Values that something reads keep their names, and nodes the order in which they came.
 */
public final class Lower {
  private static final int ROUNDS = 3;

  private final Model model;
  private final Graph graph;
  private final LoweringRules rules;
  private final Map<Object, Value> shared = new HashMap<>();
  private final Map<Node, Integer> places = new HashMap<>();

  private Lower(Model model, LoweringRules rules) {
    this.model = model;
    this.graph = model.graph();
    this.rules = rules;
  }

  /** True if the rules would change the model. */
  public static boolean concerns(Model model, LoweringRules rules) {
    return model.graph().nodes().stream().anyMatch(node -> rules.find(node).isPresent());
  }

  /**
   * Rewrites every node that a rule fits.
   *
   * @param typed its values have types; its graph is rewritten
   * @return the same graph; every value has a type again
   * @throws UnsupportedSetting if a node has a setting that its rule does not do
   */
  public static Model all(Model typed, LoweringRules rules) {
    if (!concerns(typed, rules)) {
      return typed;
    }
    Model lowered = typed.withMicrosoftOps();
    // What one rule makes may be another's to rewrite.
    for (int round = 0; round < ROUNDS && concerns(lowered, rules); round++) {
      new Lower(lowered, rules).run(false);
    }
    return TypeOf.annotate(lowered);
  }

  /**
   * Rewrites what can be rewritten and leaves the rest, to look at a model: what is new has no
   * types.
   */
  public static void whatCanBe(Model model, LoweringRules rules) {
    new Lower(model, rules).run(true);
  }

  private void run(boolean lenient) {
    graph.sort();
    List<Node> before = List.copyOf(graph.nodes());
    for (int place = 0; place < before.size(); place++) {
      places.put(before.get(place), place);
    }
    for (int place = 0; place < before.size(); place++) {
      Node node = before.get(place);
      Optional<LoweringRule> rule = rules.find(node);
      if (rule.isPresent()) {
        rewrite(node, rule.get(), lenient);
        rank(place);
      }
    }
    graph.sortBy(node -> places.getOrDefault(node, Integer.MAX_VALUE));
    RemoveUnused.from(graph);
  }

  private void rewrite(Node node, LoweringRule rule, boolean lenient) {
    LoweringContext context = new LoweringContext(model, node, shared);
    try {
      rule.rewrite(context);
    } catch (UnsupportedSetting e) {
      if (!lenient) {
        throw e;
      }
      return;
    }
    replace(context.successors());
  }

  /** What a rule added stands where the fused node stood. */
  private void rank(int place) {
    List<Node> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0 && !places.containsKey(nodes.get(i)); i--) {
      places.put(nodes.get(i), place);
    }
  }

  private void replace(Map<Value, Value> successors) {
    Map<Value, String> names = new HashMap<>();
    successors.forEach((old, successor) -> succeed(old, successor, names));
    Set<Node> makers = new LinkedHashSet<>();
    successors.keySet().forEach(old -> old.producer().ifPresent(makers::add));
    makers.forEach(graph::removeNode);
    names.forEach(graph::rename);
  }

  /** An output of the graph keeps its name, whatever takes its place. */
  private void succeed(Value old, Value successor, Map<Value, String> names) {
    Value by = successor;
    boolean fresh =
        successor.producer().filter(maker -> !places.containsKey(maker)).isPresent()
            && !names.containsKey(successor)
            && !graph.outputs().contains(successor);
    if (!fresh && graph.outputs().contains(old)) {
      by = new GraphBuilder(graph, "banyan/lowered").op("Identity", successor);
      fresh = true;
    }
    graph.replaceUses(old, by);
    if (fresh) {
      old.type().ifPresent(by::withType);
      names.put(by, old.name());
    }
  }
}
