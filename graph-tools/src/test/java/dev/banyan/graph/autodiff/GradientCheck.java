package dev.banyan.graph.autodiff;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.autodiff.GradientCase.Arg;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;

/**
 * Compares a gradient with the slope of the loss along one random direction, computed by ONNX
 * Runtime from the forward nodes alone. One direction is cheap at any size, and an error in any
 * element shows in it.
 */
final class GradientCheck {
  private final GradientCase row;
  private final long seed;
  private final Model model;
  private final List<Value> wrt = new ArrayList<>();
  private final Map<String, double[]> point = new LinkedHashMap<>();
  private final Map<String, Tensor> fixed = new LinkedHashMap<>();
  private final Value loss;

  /**
   * Builds {@code loss = sum(y y (y + 1/2))} over all outputs of the row's operator: every element
   * of every output has another gradient.
   *
   * @param named whether the inputs' dimensions are hidden behind names, so that the gradient has
   *     to find out about broadcasting while it runs
   */
  GradientCheck(GradientCase row, int opset, boolean named, long seed) {
    this.row = row;
    this.seed = seed;
    Graph graph = new Graph("check");
    this.model = new Model(graph, Map.of("", opset, OpId.MICROSOFT, 1), 8, Map.of());
    Random random = new Random(seed);
    List<Value> inputs = new ArrayList<>();
    for (Arg arg : row.args()) {
      inputs.add(input(graph, arg, named, "x" + inputs.size(), random));
    }
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < row.outputs(); i++) {
      outputs.add("y" + i);
    }
    OpId op = id(row.op());
    List<String> all = new ArrayList<>(outputs);
    for (int i = 0; i < row.idle(); i++) {
      all.add("idle" + i);
    }
    graph.addNode(op, "/layer/" + op.type(), inputs, all, row.attributes());
    GraphBuilder b = new GraphBuilder(graph, "loss");
    Value sum = Value.NONE;
    for (String output : outputs) {
      Value y = graph.value(output);
      Value bent = b.op("Mul", b.op("Mul", y, y), b.op("Add", y, half()));
      Value total = b.op("ReduceSum", Map.of("keepdims", Attribute.of(0L)), bent);
      sum = sum.isNone() ? total : b.op("Add", sum, total);
    }
    this.loss = sum;
    graph.addOutput(sum);
  }

  /** An operator written as in a table of rules. */
  static OpId id(String op) {
    int dot = op.lastIndexOf('.');
    return dot < 0 ? OpId.onnx(op) : new OpId(op.substring(0, dot), op.substring(dot + 1));
  }

  /** Differentiates, runs, and compares. */
  void check(GradientRules rules, Path folder) {
    Map<Value, Value> gradients = differentiate(rules, folder);
    gradients.values().forEach(model.graph()::addOutput);
    try (InferenceSession session = open(folder)) {
      compare(session, gradients);
    }
  }

  /** The gradients of all inputs, one after the other, at numbers that half precision has. */
  double[] gradients(GradientRules rules, Path folder) {
    point.replaceAll(
        (name, values) ->
            Arrays.stream(values)
                .map(value -> Float.float16ToFloat(Float.floatToFloat16((float) value)))
                .toArray());
    List<String> names = new ArrayList<>();
    GraphBuilder b = new GraphBuilder(model.graph(), "single");
    Map<String, Attribute> toFloat = Map.of("to", Attribute.of((long) DType.FLOAT.onnxCode()));
    for (Value gradient : differentiate(rules, folder).values()) {
      Value single = b.op("Cast", toFloat, gradient);
      model.graph().addOutput(single);
      names.add(single.name());
    }
    try (InferenceSession session = open(folder);
        TensorScope scope = new TensorScope();
        OutputTensors outputs = session.run(feeds(scope, point, 0), names)) {
      return names.stream()
          .flatMapToDouble(
              name -> {
                float[] values = outputs.floats(name);
                return IntStream.range(0, values.length).mapToDouble(i -> values[i]);
              })
          .toArray();
    }
  }

  private Map<Value, Value> differentiate(GradientRules rules, Path folder) {
    TestRuns.annotate(model, folder);
    return Differentiate.of(model, loss, wrt, rules);
  }

  private InferenceSession open(Path folder) {
    Path file = TestRuns.write(model, folder.resolve("model.onnx"));
    return InferenceSession.open(file, SessionSettings.defaults().withThreads(1));
  }

  private void compare(InferenceSession session, Map<Value, Value> gradients) {
    Random random = new Random(seed + 1);
    Map<String, double[]> direction = new LinkedHashMap<>();
    point.forEach((name, values) -> direction.put(name, draw(random, values.length, -1, 1)));
    double slope = 0;
    List<String> names = gradients.values().stream().map(Value::name).toList();
    try (TensorScope scope = new TensorScope();
        OutputTensors outputs = session.run(feeds(scope, direction, 0), names)) {
      for (Value parameter : wrt) {
        String name = requireNonNull(gradients.get(parameter)).name();
        assertThat(outputs.shape(name)).as(name).isEqualTo(shapeOf(parameter));
        slope += uphill(read(outputs, name), requireNonNull(direction.get(parameter.name())));
      }
    }
    double step = row.type() == DType.DOUBLE ? 1e-4 : 1e-2;
    double coarse = differenceQuotient(session, direction, 2 * step);
    double fine = differenceQuotient(session, direction, step);
    // Richardson: the errors, which grow with the square of the step, cancel.
    double measured = fine + (fine - coarse) / 3;
    assertThat(slope)
        .as("slope of %s, seed %d", row, seed)
        .isCloseTo(measured, Offset.offset(row.tolerance() * slope + 1e-9));
  }

  private double differenceQuotient(
      InferenceSession session, Map<String, double[]> direction, double step) {
    return (lossAt(session, direction, step) - lossAt(session, direction, -step)) / (2 * step);
  }

  /**
   * Turns every element of a random direction the way in which the gradient says that the loss
   * grows, so that no error hides behind terms that cancel; gives the slope.
   */
  private static double uphill(double[] gradient, double[] direction) {
    double slope = 0;
    for (int i = 0; i < gradient.length; i++) {
      if (gradient[i] * direction[i] < 0) {
        direction[i] = -direction[i];
      }
      slope += gradient[i] * direction[i];
    }
    return slope;
  }

  private double lossAt(InferenceSession session, Map<String, double[]> direction, double step) {
    try (TensorScope scope = new TensorScope();
        OutputTensors outputs = session.run(feeds(scope, direction, step), List.of(loss.name()))) {
      return read(outputs, loss.name())[0];
    }
  }

  private double[] read(OutputTensors outputs, String name) {
    if (row.type() == DType.DOUBLE) {
      return outputs.doubles(name);
    }
    float[] floats = outputs.floats(name);
    double[] values = new double[floats.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = floats[i];
    }
    return values;
  }

  private Map<String, NativeTensor> feeds(
      TensorScope scope, Map<String, double[]> direction, double step) {
    Map<String, NativeTensor> feeds = new LinkedHashMap<>();
    point.forEach(
        (name, values) -> {
          double[] moved = values.clone();
          for (int i = 0; i < moved.length; i++) {
            moved[i] += step * requireNonNull(direction.get(name))[i];
          }
          Shape shape = shapeOf(model.graph().value(name));
          feeds.put(name, TestRuns.feed(scope, tensor(name, shape, moved)));
        });
    fixed.forEach((name, tensor) -> feeds.put(name, TestRuns.feed(scope, tensor)));
    return feeds;
  }

  private Shape shapeOf(Value parameter) {
    int index = Integer.parseInt(parameter.name().substring(1));
    return ((Arg.Real) row.args().get(index)).shape();
  }

  private Value input(Graph graph, Arg arg, boolean named, String name, Random random) {
    return switch (arg) {
      case Arg.Real(Shape shape, double low, double high, boolean hideable) -> {
        Value value =
            graph.addInput(
                name, named && hideable ? named(name, shape) : TensorType.of(row.type(), shape));
        wrt.add(value);
        point.put(name, draw(random, Math.toIntExact(shape.elements()), low, high));
        yield value;
      }
      case Arg.Frozen(Shape shape, List<Double> values) ->
          graph.addConstant(
              tensor(name, shape, values.stream().mapToDouble(Double::doubleValue).toArray()));
      case Arg.Whole(Shape shape, List<Long> values) ->
          graph.addConstant(longs(name, shape, values));
      case Arg.Fed(Shape shape, List<Long> values) -> {
        fixed.put(name, longs(name, shape, values));
        yield graph.addInput(name, TensorType.of(DType.INT64, shape));
      }
      case Arg.Packed(Shape shape) -> {
        byte[] bytes = new byte[Math.toIntExact(shape.elements())];
        random.nextBytes(bytes);
        yield graph.addConstant(new Tensor(name, DType.UINT8, shape, MemorySegment.ofArray(bytes)));
      }
      case Arg.Truth(Shape shape, List<Boolean> values) -> {
        byte[] bytes = new byte[values.size()];
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) (values.get(i) ? 1 : 0);
        }
        fixed.put(name, new Tensor(name, DType.BOOL, shape, MemorySegment.ofArray(bytes)));
        yield graph.addInput(name, TensorType.of(DType.BOOL, shape));
      }
      case Arg.Absent absent -> Value.NONE;
    };
  }

  private static Tensor longs(String name, Shape shape, List<Long> values) {
    return Tensor.ofLongs(name, shape, values.stream().mapToLong(Long::longValue).toArray());
  }

  private TensorType named(String name, Shape shape) {
    List<Dim> dims = new ArrayList<>();
    for (int axis = 0; axis < shape.rank(); axis++) {
      dims.add(Dim.of(name + "_" + axis));
    }
    return new TensorType(row.type(), dims);
  }

  private Value half() {
    return constant("half", 0.5);
  }

  private Value constant(String name, double value) {
    Graph graph = model.graph();
    return graph.find(name).orElseGet(() -> graph.addConstant(tensor(name, Shape.SCALAR, value)));
  }

  private Tensor tensor(String name, Shape shape, double... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * row.type().bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      switch (row.type()) {
        case DOUBLE -> bytes.putDouble(value);
        case FLOAT16 -> bytes.putShort(Float.floatToFloat16((float) value));
        default -> bytes.putFloat((float) value);
      }
    }
    return new Tensor(name, row.type(), shape, MemorySegment.ofArray(bytes.array()));
  }

  private static double[] draw(Random random, int count, double low, double high) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = low + (high - low) * random.nextDouble();
    }
    return values;
  }
}
