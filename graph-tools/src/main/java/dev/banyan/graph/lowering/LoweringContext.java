package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnsupportedSetting;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.ModulePath;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a rule sees: one fused node, and the means to add nodes in its place, spelled as the model's
 * operator set version has them.
 *
 * <pre>{@code
 * // BiasGelu(x, b) = Gelu(x + b)
 * c -> c.output(0, gelu(c, c.op("Add", c.in(0), c.in(1))))
 * }</pre>
 */
public final class LoweringContext {
  private final Model model;
  private final Node node;
  private final Map<Object, Value> shared;
  private final GraphBuilder builder;
  private final Map<Value, Value> successors = new LinkedHashMap<>();

  /**
   * A context for one node.
   *
   * @param shared what rules made for all nodes of the model, by what it is
   */
  LoweringContext(Model model, Node node, Map<Object, Value> shared) {
    this.model = model;
    this.node = node;
    this.shared = shared;
    this.builder = new GraphBuilder(model.graph(), prefix(node));
  }

  /** The node's name without its operator, so that a site made of it has the module's path. */
  private static String prefix(Node node) {
    String name = node.name().isEmpty() ? "/" + node.output() : node.name();
    int slash = name.lastIndexOf('/');
    boolean operator = slash > 0 && name.substring(slash + 1).startsWith(node.op().type());
    return (operator ? name.substring(0, slash) : name).replace(' ', '_');
  }

  /** The fused node. */
  public Node node() {
    return node;
  }

  /** An input; {@link Value#NONE} if it is left out. */
  public Value in(int index) {
    return node.input(index);
  }

  /** True if something reads this output. */
  public boolean isUsed(int output) {
    Value value = node.output(output);
    return !value.isNone() && (!value.users().isEmpty() || model.graph().outputs().contains(value));
  }

  /** Puts a value in the place of an output. */
  public void output(int index, Value value) {
    Value old = node.output(index);
    if (!old.isNone()) {
      successors.put(old, value);
    }
  }

  /**
   * Puts a value in the place of another that the fused nodes make together; what nothing reads any
   * more goes.
   */
  public void instead(Value old, Value value) {
    successors.put(old, value);
  }

  /** What takes the place of what. */
  Map<Value, Value> successors() {
    return successors;
  }

  /** Number of axes of a value, if it is known. */
  public OptionalInt rank(Value value) {
    return value.type().map(type -> OptionalInt.of(type.rank())).orElseGet(OptionalInt::empty);
  }

  /**
   * Number of axes of a value.
   *
   * @throws UnsupportedSetting if it is not known
   */
  public int knownRank(Value value) {
    return rank(value)
        .orElseThrow(() -> refuse("'" + value + "'", "the number of its axes is not known"));
  }

  // ---- what is not done ----

  /** What to throw for a setting that the rule does not do. */
  public UnsupportedSetting refuse(String setting, String reason) {
    return new UnsupportedSetting(
        "%s of node '%s' (module %s): %s is not supported: %s"
            .formatted(node.op(), node.name(), ModulePath.of(node), setting, reason));
  }

  /** Refuses an input that is there. */
  public void requireAbsent(int input, String name) {
    if (!in(input).isNone()) {
      throw refuse("the input " + name, "'" + in(input) + "' is connected");
    }
  }

  /** Refuses an output that is read. */
  public void requireUnused(int output, String name) {
    if (isUsed(output)) {
      throw refuse("the output " + name, "'" + node.output(output) + "' is read");
    }
  }

  /** Refuses an attribute that has another value than this. */
  public void requireAttribute(String name, long expected) {
    long seen = node.intAttribute(name, expected);
    if (seen != expected) {
      throw refuse(name + " = " + seen, "only " + expected + " is");
    }
  }

  /** Refuses element types other than float32, where the type is known. */
  public void requireFloat(Value value) {
    value
        .type()
        .map(TensorType::dtype)
        .filter(type -> type != DType.FLOAT)
        .ifPresent(
            type -> {
              throw refuse("the element type " + type, "adapters are trained on float32 models");
            });
  }

  /** The tensor of a constant input. */
  public Tensor constant(int input, String name) {
    return in(input)
        .constant()
        .orElseThrow(() -> refuse("the input " + name, "'" + in(input) + "' is no constant"));
  }

  // ---- nodes ----

  /** Version of ONNX's operator set that the model speaks. */
  public int opset() {
    return model.opset();
  }

  /** An ONNX operator with one output. */
  public Value op(String type, Value... inputs) {
    return builder.op(type, trimmed(inputs));
  }

  /** An ONNX operator with attributes and one output. */
  public Value op(String type, Map<String, Attribute> attributes, Value... inputs) {
    return builder.op(type, attributes, trimmed(inputs));
  }

  /** Any operator with one output. */
  public Value op(OpId op, Map<String, Attribute> attributes, Value... inputs) {
    return builder.op(op, attributes, trimmed(inputs));
  }

  /** Inputs that are left out at the end are not written. */
  private static Value[] trimmed(Value... inputs) {
    int count = inputs.length;
    while (count > 0 && inputs[count - 1].isNone()) {
      count--;
    }
    return Arrays.copyOf(inputs, count);
  }

  /** A linear layer of the node's module. */
  public Value linear(Value input, Value weight) {
    Value result = op("MatMul", input, weight);
    result.producer().orElseThrow().setMetadata(node.metadata());
    return result;
  }

  /**
   * A linear layer with a module path of its own.
   *
   * @param path dotted path of the module
   */
  public Value layer(String path, Value input, Value weight) {
    return new GraphBuilder(model.graph(), "/" + path.replace('.', '/'))
        .op("MatMul", input, weight);
  }

  /** A {@code Gemm} of the node's inputs, of the node's module. */
  public Value gemm(Map<String, Attribute> attributes) {
    Value result = op("Gemm", attributes, in(0), in(1), in(2));
    result.producer().orElseThrow().setMetadata(node.metadata());
    return result;
  }

  /** A value that all nodes of the model share. */
  public Value shared(Object key, Supplier<Value> make) {
    Value known = shared.get(key);
    if (known != null) {
      return known;
    }
    Value made = make.get();
    shared.put(key, made);
    return made;
  }

  /** The sum of what nodes may have in common; {@link Value#NONE} adds nothing. */
  public Value sharedSum(Value a, Value b) {
    return a.isNone() ? b : shared(List.of("sum", a, b), () -> op("Add", a, b));
  }

  /** A builder for what is shared. */
  public GraphBuilder sharedBuilder() {
    return new GraphBuilder(model.graph(), "banyan/lowered");
  }

  /** A new constant, named after this one if its name is taken. */
  public Value addConstant(Tensor tensor) {
    return model.graph().addConstant(tensor.named(model.graph().freshName(tensor.name())));
  }

  /** A float scalar. */
  public Value number(double value) {
    return builder.scalar((float) value);
  }

  /** Int64 {@code [n]}. */
  public Value longs(long... values) {
    return builder.longs(values);
  }

  /** A value times a number; times 1 it stays as it is. */
  public Value times(Value value, double factor) {
    return factor == 1 ? value : op("Mul", value, number(factor));
  }

  /** A value in this shape; 0 keeps a dimension and -1 stands for the rest. */
  public Value reshape(Value value, long... dims) {
    return op("Reshape", value, longs(dims));
  }

  /** Axes permuted. */
  public Value transpose(Value value, long... permutation) {
    Value result = op("Transpose", Map.of("perm", Attribute.ints(permutation)), value);
    value
        .type()
        .ifPresent(
            type ->
                result.withType(
                    new TensorType(
                        type.dtype(),
                        Arrays.stream(permutation)
                            .mapToObj(axis -> type.dim((int) axis))
                            .toList())));
    return result;
  }

  /** The last two of this many axes swapped. */
  public Value swapLast(Value value, int rank) {
    long[] permutation = IntStream.range(0, rank).asLongStream().toArray();
    permutation[rank - 1] = rank - 2L;
    permutation[rank - 2] = rank - 1L;
    return transpose(value, permutation);
  }

  /** An axis of size 1 put in at this place. */
  public Value unsqueezed(Value value, long axis) {
    return opset() >= 13
        ? op("Unsqueeze", value, longs(axis))
        : op("Unsqueeze", Map.of("axes", Attribute.ints(axis)), value);
  }

  /** Values joined along an axis. */
  public Value concat(long axis, Value... values) {
    return op("Concat", Map.of("axis", Attribute.of(axis)), values);
  }

  /** Part of an axis. */
  public Value slice(Value value, long axis, long from, long to) {
    return op("Slice", value, longs(from), longs(to), longs(axis));
  }

  /** Pieces of an axis, of these sizes. */
  public List<Value> split(Value value, long axis, long... sizes) {
    Attribute along = Attribute.of(axis);
    OpId split = OpId.onnx("Split");
    return opset() >= 13
        ? builder.ops(split, Map.of("axis", along), sizes.length, value, longs(sizes))
        : builder.ops(
            split, Map.of("axis", along, "split", Attribute.ints(sizes)), sizes.length, value);
  }

  /** Softmax over the last axis. */
  public Value softmax(Value value) {
    return op("Softmax", Map.of("axis", Attribute.of(-1L)), value);
  }

  /** The value in another element type. */
  public Value cast(Value value, DType type) {
    return op("Cast", Map.of("to", Attribute.of((long) type.onnxCode())), value);
  }

  /** The sizes of some axes, int64 {@code [n]}. */
  public Value sizes(Value value, long... axes) {
    return op("Gather", op("Shape", value), longs(axes));
  }

  /** A value with a bias added; {@link Value#NONE} adds nothing. */
  public Value plus(Value value, Value bias) {
    return bias.isNone() ? value : op("Add", value, bias);
  }

  /** All inputs from this place on that are there. */
  public Stream<Value> inputsFrom(int first) {
    return node.inputs().stream().skip(first).filter(value -> !value.isNone());
  }
}
