package dev.banyan.graph.ir;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** One operator at work in a {@link Graph}. Compared by identity. */
public final class Node {
  private final OpId op;
  private final String name;
  private final List<Value> inputs;
  private final List<Value> outputs;
  private final Map<String, Attribute> attributes;
  private Map<String, String> metadata = Map.of();

  Node(
      OpId op,
      String name,
      List<Value> inputs,
      List<Value> outputs,
      Map<String, Attribute> attributes) {
    this.op = op;
    this.name = name;
    this.inputs = new ArrayList<>(inputs);
    this.outputs = new ArrayList<>(outputs);
    this.attributes = new TreeMap<>(attributes);
  }

  /** The operator. */
  public OpId op() {
    return op;
  }

  /** The node's name, which exporters derive from the module path; may be empty. */
  public String name() {
    return name;
  }

  /** All inputs; {@link Value#NONE} stands for one left out. */
  public List<Value> inputs() {
    return Collections.unmodifiableList(inputs);
  }

  /** The input at this place; {@link Value#NONE} if it is left out or the node has fewer. */
  public Value input(int index) {
    return index < inputs.size() ? inputs.get(index) : Value.NONE;
  }

  /** All outputs; {@link Value#NONE} stands for one not emitted. */
  public List<Value> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  /** The output at this place; {@link Value#NONE} if it is not emitted. */
  public Value output(int index) {
    return index < outputs.size() ? outputs.get(index) : Value.NONE;
  }

  /** The node's only or first output. */
  public Value output() {
    return outputs.getFirst();
  }

  /** All attributes by name, in name order. */
  public Map<String, Attribute> attributes() {
    return Collections.unmodifiableMap(attributes);
  }

  /** The attribute of this name. */
  public Optional<Attribute> attribute(String attributeName) {
    return Optional.ofNullable(attributes.get(attributeName));
  }

  /** A whole-number attribute, or the operator's default. */
  public long intAttribute(String attributeName, long otherwise) {
    return attributes.get(attributeName) instanceof Attribute.Int(long value) ? value : otherwise;
  }

  /** A real attribute, or the operator's default. */
  public float realAttribute(String attributeName, float otherwise) {
    return attributes.get(attributeName) instanceof Attribute.Real(float value) ? value : otherwise;
  }

  /** A string attribute, or the operator's default. */
  public String textAttribute(String attributeName, String otherwise) {
    return attributes.get(attributeName) instanceof Attribute.Text(String value)
        ? value
        : otherwise;
  }

  /** A list of whole numbers; empty if the attribute is absent. */
  public Optional<List<Long>> intsAttribute(String attributeName) {
    return attributes.get(attributeName) instanceof Attribute.Ints(List<Long> values)
        ? Optional.of(values)
        : Optional.empty();
  }

  /** Sets an attribute. */
  public void setAttribute(String attributeName, Attribute value) {
    attributes.put(attributeName, value);
  }

  /** What the exporter noted beside the node, for instance the module that it comes from. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Replaces what is noted beside the node. */
  public void setMetadata(Map<String, String> notes) {
    metadata = Map.copyOf(notes);
  }

  /** Names of outer values that subgraphs of this node read. */
  public Set<String> captures() {
    Set<String> names = new TreeSet<>();
    for (Attribute attribute : attributes.values()) {
      if (attribute instanceof Attribute.Opaque opaque) {
        names.addAll(opaque.captures());
      }
    }
    return names;
  }

  /** Feeds another value at one place, which may be an optional input that was left out. */
  public void replaceInput(int index, Value by) {
    while (inputs.size() <= index) {
      inputs.add(Value.NONE);
    }
    inputs.get(index).noLongerUsedBy(this);
    inputs.set(index, by);
    by.usedBy(this);
  }

  void emits(int index, Value output) {
    while (outputs.size() <= index) {
      outputs.add(Value.NONE);
    }
    outputs.set(index, output);
  }

  @Override
  public String toString() {
    return "%s = %s%s %s".formatted(outputs, op, inputs, name.isEmpty() ? "" : "'" + name + "'");
  }
}
