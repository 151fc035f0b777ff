package dev.banyan.graph.ir;

import dev.banyan.artifacts.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A tensor that flows through a graph: a graph input, a constant (an ONNX initializer), or the
 * output of a node. Compared by identity; made and renamed by its {@link Graph} only.
 */
public final class Value {
  /** Stands where a node leaves an optional input out or does not emit an optional output. */
  public static final Value NONE = new Value("");

  private String name;
  private @Nullable TensorType type;
  private @Nullable Tensor constant;
  private @Nullable Node producer;
  private final List<Node> users = new ArrayList<>();

  Value(String name) {
    this.name = name;
  }

  /** The value's name, unique in its graph. */
  public String name() {
    return name;
  }

  /** True for {@link #NONE}. */
  public boolean isNone() {
    return this == NONE;
  }

  /** Element type and dimensions, if they are known. */
  public Optional<TensorType> type() {
    return Optional.ofNullable(type);
  }

  /**
   * Element type and dimensions.
   *
   * @throws IllegalStateException if they are not known: {@code TypeOf} has not seen this value
   */
  public TensorType knownType() {
    if (type == null) {
      throw new IllegalStateException("The type of value '" + name + "' is not known");
    }
    return type;
  }

  /** Says what element type and dimensions the value has. */
  public Value withType(TensorType newType) {
    if (isNone()) {
      throw new IllegalStateException("An absent value has no type");
    }
    type = newType;
    return this;
  }

  /** The tensor, if this value is a constant. */
  public Optional<Tensor> constant() {
    return Optional.ofNullable(constant);
  }

  /** True for a constant. */
  public boolean isConstant() {
    return constant != null;
  }

  /** The node that makes the value; empty for graph inputs and constants. */
  public Optional<Node> producer() {
    return Optional.ofNullable(producer);
  }

  /**
   * The nodes that use the value, in the order in which they came; a node is listed once for every
   * use.
   */
  public List<Node> users() {
    return List.copyOf(users);
  }

  @Override
  public String toString() {
    return isNone() ? "(none)" : name;
  }

  void rename(String newName) {
    name = newName;
  }

  void holds(Tensor tensor) {
    constant = tensor;
    type = TensorType.of(tensor.type(), tensor.shape());
  }

  void madeBy(@Nullable Node node) {
    producer = node;
  }

  void usedBy(Node node) {
    if (!isNone()) {
      users.add(node);
    }
  }

  void noLongerUsedBy(Node node) {
    users.remove(node);
  }
}
