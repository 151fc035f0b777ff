package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The part of a graph through which gradient flows: what depends on a parameter <em>and</em>
 * influences the loss. It keeps the backward pass small: nothing below the lowest adapter is on it,
 * and no frozen weight.
 */
final class GradientPath {
  private final GradientRules rules;
  private final Set<Value> dependent = new HashSet<>();
  private final Set<Value> influential = new HashSet<>();
  private final List<Node> backward = new ArrayList<>();

  /** Walks a sorted graph forward from the parameters and backward from the loss. */
  GradientPath(Graph graph, Value loss, Collection<Value> wrt, GradientRules rules) {
    this.rules = rules;
    dependent.addAll(wrt);
    for (Node node : graph.nodes()) {
      if (dependsOnParameter(graph, node)) {
        dependent.addAll(node.outputs());
      }
    }
    influential.add(loss);
    for (Node node : graph.nodes().reversed()) {
      if (node.outputs().stream().anyMatch(influential::contains)) {
        for (int i = 0; i < node.inputs().size(); i++) {
          if (flows(node, i)) {
            influential.add(node.input(i));
          }
        }
        node.captures().forEach(name -> graph.find(name).ifPresent(influential::add));
        if (dependsOnParameter(graph, node)) {
          backward.add(node);
        }
      }
    }
  }

  /** The nodes to differentiate, from the loss down. */
  List<Node> nodes() {
    return backward;
  }

  /** True if a gradient of this input of a node is needed. */
  boolean needs(Node node, int input) {
    return flows(node, input) && dependent.contains(node.input(input));
  }

  /** True if the loss depends on the value. */
  boolean reachesLoss(Value value) {
    return influential.contains(value);
  }

  private boolean dependsOnParameter(Graph graph, Node node) {
    for (int i = 0; i < node.inputs().size(); i++) {
      if (needs(node, i)) {
        return true;
      }
    }
    return node.captures().stream()
        .anyMatch(name -> graph.find(name).filter(dependent::contains).isPresent());
  }

  /** An operator without a rule lets gradient through, so that it is reported if it matters. */
  private boolean flows(Node node, int input) {
    Value value = node.input(input);
    return !value.isNone()
        && !Detached.is(node)
        && value.type().map(type -> type.dtype().isFloatingPoint()).orElse(true)
        && rules.find(node.op()).map(rule -> rule.flowsTo(input)).orElse(true);
  }
}
