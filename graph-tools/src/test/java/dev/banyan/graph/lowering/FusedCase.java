package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * One fused operator with what it is fed. A negative dimension of {@link #real} is a free axis with
 * a name: -1 is the batch of {@value #BATCH}, -2 the sequence of {@value #SEQUENCE}.
 *
 * @param op the operator
 * @param args its inputs
 * @param attributes its attributes
 * @param outputs which outputs are read
 * @param opset version of ONNX's operator set
 * @param tolerance greatest difference, relative to the greatest element
 */
record FusedCase(
    OpId op,
    List<Arg> args,
    Map<String, Attribute> attributes,
    List<Integer> outputs,
    int opset,
    double tolerance) {
  static final int BATCH = 2;
  static final int SEQUENCE = 6;

  /** Two float32 kernels that add in another order. */
  static final double ROUNDING = 2e-5;

  /** One input. */
  sealed interface Arg {
    /** Known when the graph runs. */
    record Fed(Tensor tensor, TensorType type) implements Arg {}

    /** Part of the graph. */
    record Constant(Tensor tensor) implements Arg {}

    /** Left out. */
    record Absent() implements Arg {}
  }

  static FusedCase microsoft(String op) {
    return new FusedCase(OpId.microsoft(op), List.of(), Map.of(), List.of(0), 17, ROUNDING);
  }

  static FusedCase onnx(String op, int opset) {
    return new FusedCase(OpId.onnx(op), List.of(), Map.of(), List.of(0), opset, ROUNDING);
  }

  FusedCase as(OpId other) {
    return new FusedCase(other, args, attributes, outputs, opset, tolerance);
  }

  FusedCase real(long... dims) {
    List<Dim> named = new ArrayList<>();
    long[] sizes = dims.clone();
    for (int i = 0; i < sizes.length; i++) {
      if (dims[i] == -1) {
        sizes[i] = BATCH;
        named.add(Dim.of("batch"));
      } else if (dims[i] == -2) {
        sizes[i] = SEQUENCE;
        named.add(Dim.of("sequence"));
      } else {
        named.add(Dim.of(sizes[i]));
      }
    }
    return with(new Arg.Fed(random(Shape.of(sizes)), new TensorType(DType.FLOAT, named)));
  }

  FusedCase fed(Tensor tensor, Dim... dims) {
    return with(new Arg.Fed(tensor, TensorType.of(tensor.type(), dims)));
  }

  FusedCase constant(Tensor tensor) {
    return with(new Arg.Constant(tensor));
  }

  FusedCase constant(long... dims) {
    return constant(random(Shape.of(dims)));
  }

  FusedCase absent() {
    return with(new Arg.Absent());
  }

  FusedCase set(String name, long value) {
    return set(name, Attribute.of(value));
  }

  FusedCase set(String name, float value) {
    return set(name, Attribute.of(value));
  }

  FusedCase set(String name, String value) {
    return set(name, Attribute.of(value));
  }

  FusedCase set(String name, Attribute value) {
    Map<String, Attribute> more = new TreeMap<>(attributes);
    more.put(name, value);
    return new FusedCase(op, args, more, outputs, opset, tolerance);
  }

  FusedCase reading(Integer... which) {
    return new FusedCase(op, args, attributes, List.of(which), opset, tolerance);
  }

  FusedCase opset(int version) {
    return new FusedCase(op, args, attributes, outputs, version, tolerance);
  }

  FusedCase within(double otherTolerance) {
    return new FusedCase(op, args, attributes, outputs, opset, otherTolerance);
  }

  /** Evenly drawn from -1 to 1. */
  Tensor random(Shape shape) {
    Random random = new Random(17L + args.size());
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = 2 * random.nextFloat() - 1;
    }
    return Tensor.ofFloats("w", shape, values);
  }

  static Tensor bytes(Shape shape) {
    byte[] values = new byte[Math.toIntExact(shape.elements())];
    new Random(5).nextBytes(values);
    return new Tensor("q", DType.UINT8, shape, MemorySegment.ofArray(values));
  }

  /** Numbers in 4 bits, two to a byte. */
  static Tensor halves(DType type, Shape shape) {
    byte[] values = new byte[Math.toIntExact(type.bytes(shape.elements()))];
    new Random(5).nextBytes(values);
    return new Tensor("h", type, shape, MemorySegment.ofArray(values));
  }

  static Tensor ints(Shape shape, int... values) {
    ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    Arrays.stream(values).forEach(data::putInt);
    return new Tensor("i", DType.INT32, shape, MemorySegment.ofArray(data.array()));
  }

  private FusedCase with(Arg arg) {
    List<Arg> more = new ArrayList<>(args);
    more.add(arg);
    return new FusedCase(op, more, attributes, outputs, opset, tolerance);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(op.toString());
    for (Arg arg : args) {
      text.append(
          switch (arg) {
            case Arg.Fed(Tensor tensor, TensorType type) -> " " + type;
            case Arg.Constant(Tensor tensor) -> " constant " + tensor.shape();
            case Arg.Absent() -> " none";
          });
    }
    attributes.forEach((name, value) -> text.append(' ').append(name).append('=').append(value));
    return text.append(" reading ").append(outputs).toString();
  }
}
