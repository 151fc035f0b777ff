package dev.banyan.graph.ir;

import dev.banyan.artifacts.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.function.ToIntFunction;

/**
 * A dataflow graph under construction: inputs, outputs, constants and nodes.
 *
 * <p>All changes go through this class or {@link Node#replaceInput}, so that every value always
 * knows its producer and its users. Names are unique; asking for a taken one is an error of the
 * pass that asks.
 */
public final class Graph {
  private final String name;
  private final Map<String, Value> values = new LinkedHashMap<>();
  private final List<Value> inputs = new ArrayList<>();
  private final List<Value> outputs = new ArrayList<>();
  private final Map<String, Value> constants = new LinkedHashMap<>();
  private List<Node> nodes = new ArrayList<>();
  private final Map<String, Integer> nextSuffix = new LinkedHashMap<>();

  /** An empty graph. */
  public Graph(String name) {
    this.name = name;
  }

  /** The graph's name. */
  public String name() {
    return name;
  }

  /** Graph inputs in order. */
  public List<Value> inputs() {
    return Collections.unmodifiableList(inputs);
  }

  /** Graph outputs in order. */
  public List<Value> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  /** Constants (ONNX initializers) in order. */
  public Collection<Value> constants() {
    return Collections.unmodifiableCollection(constants.values());
  }

  /** Nodes in the present order; see {@link #sort()}. */
  public List<Node> nodes() {
    return Collections.unmodifiableList(nodes);
  }

  /** The value of this name. */
  public Optional<Value> find(String valueName) {
    return Optional.ofNullable(values.get(valueName));
  }

  /**
   * The value of this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Value value(String valueName) {
    return find(valueName)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Graph '%s' has no value '%s'".formatted(name, valueName)));
  }

  /** Adds a graph input at the end. */
  public Value addInput(String inputName, TensorType type) {
    Value value = register(inputName).withType(type);
    inputs.add(value);
    return value;
  }

  /** Adds a constant named like its tensor. */
  public Value addConstant(Tensor tensor) {
    Value value = register(tensor.name());
    value.holds(tensor);
    constants.put(value.name(), value);
    return value;
  }

  /** Makes an existing value a graph output, at the end. */
  public void addOutput(Value value) {
    outputs.add(value);
  }

  /** Replaces all graph outputs. */
  public void setOutputs(List<Value> newOutputs) {
    outputs.clear();
    outputs.addAll(newOutputs);
  }

  /**
   * Adds a node at the end.
   *
   * @param outputNames names of the values it makes; an empty name for an output that is not
   *     emitted
   */
  public Node addNode(
      OpId op,
      String nodeName,
      List<Value> nodeInputs,
      List<String> outputNames,
      Map<String, Attribute> attributes) {
    List<Value> made = new ArrayList<>();
    for (String outputName : outputNames) {
      made.add(outputName.isEmpty() ? Value.NONE : declareOutput(outputName));
    }
    Node node = new Node(op, nodeName, nodeInputs, made, attributes);
    for (Value output : made) {
      if (!output.isNone()) {
        output.madeBy(node);
      }
    }
    for (Value input : nodeInputs) {
      input.usedBy(node);
    }
    nodes.add(node);
    return node;
  }

  /**
   * Makes a node emit an optional output that it left out so far, such as the mean of a
   * normalization.
   *
   * @return the output at this place, whether it was there or is new
   */
  public Value emitOutput(Node node, int index, String outputName) {
    if (!node.output(index).isNone()) {
      return node.output(index);
    }
    Value output = declareOutput(outputName);
    output.madeBy(node);
    node.emits(index, output);
    return output;
  }

  /**
   * The value of this name, made now if it does not exist: a reader may meet a use before the node
   * that makes it.
   */
  public Value declare(String valueName) {
    return find(valueName).orElseGet(() -> register(valueName));
  }

  /** Removes a node; what it made must not be used any more. */
  public void removeNode(Node node) {
    for (Value output : node.outputs()) {
      if (!output.isNone() && (!output.users().isEmpty() || outputs.contains(output))) {
        throw new IllegalStateException(
            "Node " + node + " is still needed: " + output + " is used");
      }
    }
    if (!nodes.remove(node)) {
      throw new IllegalArgumentException("Node " + node + " is not in graph '" + name + "'");
    }
    for (Value input : node.inputs()) {
      input.noLongerUsedBy(node);
    }
    for (Value output : node.outputs()) {
      values.remove(output.name(), output);
    }
  }

  /** Removes a constant or a graph input that nothing uses. */
  public void removeUnused(Value value) {
    if (!value.users().isEmpty() || outputs.contains(value)) {
      throw new IllegalStateException("Value '" + value + "' is still used");
    }
    constants.remove(value.name(), value);
    inputs.remove(value);
    values.remove(value.name(), value);
  }

  /** Feeds {@code by} wherever {@code old} is used, as graph output too. */
  public void replaceUses(Value old, Value by) {
    for (Node user : old.users()) {
      for (int i = 0; i < user.inputs().size(); i++) {
        if (user.input(i) == old) {
          user.replaceInput(i, by);
        }
      }
    }
    outputs.replaceAll(output -> output == old ? by : output);
  }

  /** Gives a value another name. */
  public void rename(Value value, String newName) {
    if (values.containsKey(newName)) {
      throw new IllegalArgumentException(
          "Graph '%s' already has a value '%s'".formatted(name, newName));
    }
    values.remove(value.name());
    boolean constant = constants.remove(value.name(), value);
    value.rename(newName);
    values.put(newName, value);
    if (constant) {
      value.holds(value.constant().orElseThrow().named(newName));
      constants.put(newName, value);
    }
  }

  /**
   * A name that no value has and that was not given out before: the wish itself, or with a number
   * behind it. So a node that is named like its value keeps a name of its own when that value is
   * renamed.
   */
  public String freshName(String wish) {
    Integer given = nextSuffix.get(wish);
    if (given == null && !values.containsKey(wish)) {
      nextSuffix.put(wish, 1);
      return wish;
    }
    int suffix = given == null ? 1 : given;
    while (values.containsKey(wish + "_" + suffix)) {
      suffix++;
    }
    nextSuffix.put(wish, suffix + 1);
    return wish + "_" + suffix;
  }

  /**
   * Orders the nodes so that every value is made before it is used. Among the nodes that could come
   * next the present first one does (Kahn's algorithm), so that a sorted graph stays as it is.
   *
   * @throws IllegalStateException if the graph has a cycle
   */
  public void sort() {
    IdentityHashMap<Node, List<Node>> followers = new IdentityHashMap<>();
    int[] open = new int[nodes.size()];
    IdentityHashMap<Node, Integer> place = new IdentityHashMap<>();
    PriorityQueue<Integer> ready = new PriorityQueue<>();
    for (int i = 0; i < open.length; i++) {
      Node node = nodes.get(i);
      place.put(node, i);
      for (Node before : predecessors(node)) {
        followers.computeIfAbsent(before, n -> new ArrayList<>()).add(node);
        open[i]++;
      }
      if (open[i] == 0) {
        ready.add(i);
      }
    }
    List<Node> sorted = new ArrayList<>(nodes.size());
    while (!ready.isEmpty()) {
      Node node = nodes.get(ready.remove());
      sorted.add(node);
      for (Node follower : followers.getOrDefault(node, List.of())) {
        int at = place.getOrDefault(follower, -1);
        if (--open[at] == 0) {
          ready.add(at);
        }
      }
    }
    if (sorted.size() != nodes.size()) {
      throw new IllegalStateException("Graph '" + name + "' has a cycle");
    }
    nodes = sorted;
  }

  /**
   * Orders the nodes by rank as far as the flow of values allows it; equal ranks keep their order.
   */
  public void sortBy(ToIntFunction<Node> rank) {
    nodes.sort(Comparator.comparingInt(rank));
    sort();
  }

  private List<Node> predecessors(Node node) {
    List<Node> before = new ArrayList<>();
    node.inputs().forEach(input -> input.producer().ifPresent(before::add));
    for (String captured : node.captures()) {
      find(captured).flatMap(Value::producer).ifPresent(before::add);
    }
    return before;
  }

  private Value declareOutput(String outputName) {
    Value value = declare(outputName);
    if (value.producer().isPresent() || value.isConstant() || inputs.contains(value)) {
      throw new IllegalArgumentException(
          "Graph '%s' already has a value '%s'".formatted(name, outputName));
    }
    return value;
  }

  private Value register(String valueName) {
    if (valueName.isEmpty()) {
      throw new IllegalArgumentException("A value of graph '" + name + "' has no name");
    }
    if (values.containsKey(valueName)) {
      throw new IllegalArgumentException(
          "Graph '%s' already has a value '%s'".formatted(name, valueName));
    }
    Value value = new Value(valueName);
    values.put(valueName, value);
    return value;
  }
}
