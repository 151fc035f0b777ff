package dev.banyan.graph.autodiff;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** Reads and makes the small constants of formulas: axes, exponents, one half. */
final class Constants {
  private Constants() {}

  /** The elements of a constant int64 or int32 value; empty if it is computed. */
  static Optional<long[]> longs(Value value) {
    return tensor(value)
        .flatMap(
            tensor ->
                switch (tensor.type()) {
                  case INT64 -> Optional.of(tensor.longs());
                  case INT32 -> Optional.of(ints(tensor));
                  default -> Optional.empty();
                });
  }

  /** The elements of a constant float value; empty if it is computed. */
  static Optional<float[]> floats(Value value) {
    return tensor(value)
        .filter(tensor -> tensor.type() == DType.FLOAT)
        .map(
            tensor -> {
              var bytes = tensor.data().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
              float[] values = new float[bytes.remaining() / Float.BYTES];
              bytes.asFloatBuffer().get(values);
              return values;
            });
  }

  /** The only element of a constant; empty if it is computed, has several, or is no number. */
  static Optional<Double> number(Value value) {
    return tensor(value)
        .filter(tensor -> tensor.shape().elements() == 1)
        .flatMap(
            tensor -> {
              ByteBuffer bytes = tensor.data().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
              return switch (tensor.type()) {
                case FLOAT -> Optional.of((double) bytes.getFloat());
                case DOUBLE -> Optional.of(bytes.getDouble());
                case FLOAT16 -> Optional.of((double) Float.float16ToFloat(bytes.getShort()));
                case INT64 -> Optional.of((double) bytes.getLong());
                case INT32 -> Optional.of((double) bytes.getInt());
                case BOOL -> Optional.of((double) bytes.get());
                default -> Optional.empty();
              };
            });
  }

  /** True for the scalar 1, with which a multiplication does nothing. */
  static boolean isScalarOne(Value value) {
    return value.isConstant()
        && value.knownType().rank() == 0
        && value.knownType().dtype().isFloatingPoint()
        && number(value).orElse(0.0) == 1.0;
  }

  /** A scalar of a floating-point type. */
  static Tensor scalar(double value, DType type) {
    ByteBuffer bytes = ByteBuffer.allocate(type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case FLOAT -> bytes.putFloat((float) value);
      case DOUBLE -> bytes.putDouble(value);
      case FLOAT16 -> bytes.putShort(Float.floatToFloat16((float) value));
      case BFLOAT16 -> bytes.putShort((short) (Float.floatToRawIntBits((float) value) >>> 16));
      default -> throw new IllegalArgumentException("No gradient has the type " + type);
    }
    String name = "banyan/" + type.name().toLowerCase(java.util.Locale.ROOT) + "(" + value + ")";
    return new Tensor(name, type, Shape.SCALAR, MemorySegment.ofArray(bytes.array()));
  }

  private static Optional<Tensor> tensor(Value value) {
    if (value.isConstant()) {
      return value.constant();
    }
    return value
        .producer()
        .filter(node -> node.op().is("Constant"))
        .flatMap(node -> node.attribute("value"))
        .flatMap(
            attribute ->
                attribute instanceof Attribute.Constant(Tensor tensor)
                    ? Optional.of(tensor)
                    : Optional.empty());
  }

  private static long[] ints(Tensor tensor) {
    var bytes = tensor.data().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    long[] values = new long[bytes.remaining()];
    for (int i = 0; i < values.length; i++) {
      values[i] = bytes.get(i);
    }
    return values;
  }
}
