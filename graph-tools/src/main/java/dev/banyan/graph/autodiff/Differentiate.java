package dev.banyan.graph.autodiff;

import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Adds the nodes that compute the gradient of a loss.
 *
 * <pre>{@code
 * Map<Value, Value> gradients =
 *     Differentiate.of(model.withMicrosoftOps(), loss, parameters, GradientRules.forOrt());
 * }</pre>
 *
 * <p>The driver does what all rules have in common: it visits only the nodes between parameters and
 * loss, sums over broadcast axes, and adds up the contributions of several uses of a value.
 */
public final class Differentiate {
  private final Graph graph;
  private final GradientRules rules;
  private final GradientNodes nodes;
  private final Map<Value, List<Value>> contributions = new HashMap<>();
  private final Map<Value, Value> gradients = new HashMap<>();
  private final Set<Value> before;

  private Differentiate(Model model, GradientRules rules) {
    this.graph = model.graph();
    this.rules = rules;
    this.nodes = new GradientNodes(model);
    this.before = new HashSet<>();
    graph.nodes().forEach(node -> before.addAll(node.outputs()));
  }

  /**
   * Adds the gradient of {@code loss} with respect to some values.
   *
   * @param model its graph gets the nodes; every value that is differentiated through has a type
   * @param loss a floating-point scalar
   * @param wrt the values to differentiate with respect to: trainable parameters
   * @param rules what to do for each operator
   * @return for each value of {@code wrt}, in order, its gradient: of the same type, named {@code
   *     <value>_grad}
   * @throws NotDifferentiable if an operator on the way has no rule, or a value of {@code wrt} does
   *     not influence the loss
   */
  public static Map<Value, Value> of(
      Model model, Value loss, List<Value> wrt, GradientRules rules) {
    return every(model, loss, wrt, rules).wanted();
  }

  /**
   * The same, with the gradients of all values on the way.
   *
   * @param model as in {@link #of}
   * @param loss as in {@link #of}
   * @param wrt as in {@link #of}
   * @param rules as in {@link #of}
   * @throws NotDifferentiable as in {@link #of}
   */
  public static Gradients every(Model model, Value loss, List<Value> wrt, GradientRules rules) {
    if (loss.knownType().rank() != 0 || !loss.knownType().dtype().isFloatingPoint()) {
      throw new NotDifferentiable(
          "Loss '%s' is %s; expected a floating-point scalar".formatted(loss, loss.knownType()));
    }
    Differentiate driver = new Differentiate(model, rules);
    return driver.run(model, loss, driver.nodes.number(1, loss.knownType().dtype()), wrt);
  }

  /**
   * Adds the gradient of a loss of which the gradient with respect to some value is there already,
   * computed in another way.
   *
   * @param model as in {@link #of}
   * @param known a value that the loss is a function of, and the gradient of it, of the same type
   * @param wrt as in {@link #of}
   * @param rules as in {@link #of}
   * @return the gradients of {@code wrt} and of all values on the way
   * @throws NotDifferentiable as in {@link #of}
   */
  public static Gradients from(
      Model model, Map.Entry<Value, Value> known, List<Value> wrt, GradientRules rules) {
    return new Differentiate(model, rules).run(model, known.getKey(), known.getValue(), wrt);
  }

  private Gradients run(Model model, Value loss, Value seed, List<Value> wrt) {
    graph.sort();
    GradientPath path = new GradientPath(graph, loss, wrt, rules);
    for (Value parameter : wrt) {
      if (!path.reachesLoss(parameter)) {
        throw new NotDifferentiable(
            "'%s' does not influence the loss '%s': no differentiable path leads there"
                .formatted(parameter, loss));
      }
    }
    int forwardNodes = graph.nodes().size();
    contribute(loss, seed);
    for (Node node : path.nodes()) {
      visit(node, path);
    }
    Map<Value, Value> result = new LinkedHashMap<>();
    for (Value parameter : wrt) {
      result.put(parameter, named(parameter, finish(parameter)));
    }
    requireKnownDomains(model, forwardNodes);
    return new Gradients(result, gradients);
  }

  /** Gives each input that needs it what the node's row says. */
  private void visit(Node node, GradientPath path) {
    for (Value output : node.outputs()) {
      if (contributions.containsKey(output)) {
        finish(output);
      }
    }
    GradientRule rule = rules.find(node.op()).orElseThrow(() -> MissingRule.at(node));
    GradientContext context = new GradientContext(nodes, node, gradients);
    for (int i = 0; i < node.inputs().size(); i++) {
      if (path.needs(node, i)) {
        contribute(node.input(i), rule.apply(context, i));
      }
    }
    for (int i = 0; i < node.outputs().size(); i++) {
      if (gradients.containsKey(node.output(i)) && !context.hasRead(i)) {
        throw new NotDifferentiable(
            "The loss depends on output %d of %s, of which the rule for %s knows no gradient"
                .formatted(i, node, node.op()));
      }
    }
  }

  private void contribute(Value value, Value gradient) {
    contributions.computeIfAbsent(value, v -> new ArrayList<>()).add(gradient);
  }

  /** Adds up what all uses of a value contributed; all of them have been visited. */
  private Value finish(Value value) {
    return gradients.computeIfAbsent(
        value,
        v -> {
          Value sum =
              contributions.getOrDefault(v, List.of()).stream()
                  .reduce(nodes::add)
                  .orElseThrow(() -> new IllegalStateException("No gradient arrived at " + v));
          return ownName(v, sum);
        });
  }

  /** Names a gradient after its value, unless it is the gradient of another value as well. */
  private Value ownName(Value value, Value gradient) {
    String name = value.name() + "_grad";
    boolean fresh =
        !gradient.isConstant() && !before.contains(gradient) && gradient.type().isEmpty();
    if (fresh && graph.find(name).isEmpty()) {
      graph.rename(gradient, name);
    }
    return fresh ? gradient.withType(value.knownType()) : gradient;
  }

  /** A parameter's gradient has a name of its own, even if it equals another value. */
  private Value named(Value parameter, Value gradient) {
    String name = parameter.name() + "_grad";
    if (gradient.name().equals(name)) {
      return gradient;
    }
    if (graph.find(name).isPresent()) {
      throw new NotDifferentiable(
          "The name '%s' is taken; the gradient of '%s' needs it".formatted(name, parameter));
    }
    return graph
        .addNode(OpId.onnx("Identity"), name, List.of(gradient), List.of(name), Map.of())
        .output()
        .withType(parameter.knownType());
  }

  private void requireKnownDomains(Model model, int forwardNodes) {
    for (Node node : graph.nodes().subList(forwardNodes, graph.nodes().size())) {
      if (!node.op().domain().isEmpty() && !model.opsets().containsKey(node.op().domain())) {
        throw new IllegalArgumentException(
            "The rules use %s, but the model imports no operator set of that domain"
                .formatted(node.op()));
      }
    }
  }
}
