package dev.banyan.graph.text;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** The elements of a tensor as text: <code>{1.0, 2.0}</code>. */
final class TensorText {
  /** More elements are not for reading. */
  private static final int SHOWN = 16;

  private static final String ELIDED = "{...}";

  private TensorText() {}

  static String print(Tensor tensor) {
    long count = tensor.shape().elements();
    if (count > SHOWN) {
      return ELIDED;
    }
    ByteBuffer bytes = tensor.data().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    List<String> elements = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      elements.add(
          tensor.type().bits() < Byte.SIZE
              ? Integer.toString(tensor.smallNumber(i))
              : element(bytes, tensor.type()));
    }
    return "{" + String.join(", ", elements) + "}";
  }

  static Tensor parse(Tokens tokens, String name, DType type, Shape shape) {
    long bytes = type.bytes(shape.elements());
    ByteBuffer data = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    tokens.expect("{");
    if (!tokens.takeIf("...")) {
      for (long i = 0; i < shape.elements(); i++) {
        if (i > 0) {
          tokens.expect(",");
        }
        put(data, type, tokens, i);
      }
    }
    tokens.expect("}");
    return new Tensor(name, type, shape, MemorySegment.ofArray(data.array()));
  }

  private static String element(ByteBuffer bytes, DType type) {
    return switch (type) {
      case FLOAT -> Float.toString(bytes.getFloat());
      case DOUBLE -> Double.toString(bytes.getDouble());
      case FLOAT16 -> Float.toString(Float.float16ToFloat(bytes.getShort()));
      case BFLOAT16 -> Float.toString(Float.intBitsToFloat(bytes.getShort() << 16));
      case INT64 -> Long.toString(bytes.getLong());
      case UINT64 -> Long.toUnsignedString(bytes.getLong());
      case INT32 -> Integer.toString(bytes.getInt());
      case UINT32 -> Integer.toUnsignedString(bytes.getInt());
      case INT16 -> Short.toString(bytes.getShort());
      case UINT16 -> Integer.toString(Short.toUnsignedInt(bytes.getShort()));
      case INT8 -> Byte.toString(bytes.get());
      case UINT8, BOOL -> Integer.toString(Byte.toUnsignedInt(bytes.get()));
      case UINT4, INT4 -> throw new IllegalStateException("Two of " + type + " share a byte");
    };
  }

  private static void put(ByteBuffer bytes, DType type, Tokens tokens, long index) {
    try {
      String word = tokens.peek();
      switch (type) {
        case FLOAT -> bytes.putFloat(Float.parseFloat(word));
        case DOUBLE -> bytes.putDouble(Double.parseDouble(word));
        case FLOAT16 -> bytes.putShort(Float.floatToFloat16(Float.parseFloat(word)));
        case BFLOAT16 ->
            bytes.putShort((short) (Float.floatToRawIntBits(Float.parseFloat(word)) >>> 16));
        case INT64 -> bytes.putLong(Long.parseLong(word));
        case UINT64 -> bytes.putLong(Long.parseUnsignedLong(word));
        case INT32 -> bytes.putInt(Integer.parseInt(word));
        case UINT32 -> bytes.putInt(Integer.parseUnsignedInt(word));
        case INT16, UINT16 -> bytes.putShort((short) Integer.parseInt(word));
        case INT8, UINT8, BOOL -> bytes.put((byte) Integer.parseInt(word));
        case INT4, UINT4 -> putHalf(bytes, Integer.parseInt(word), index);
      }
      tokens.take();
    } catch (NumberFormatException e) {
      throw tokens.unexpected("a number of type " + type);
    }
  }

  /** The first of two numbers is the low half of their byte. */
  private static void putHalf(ByteBuffer bytes, int number, long index) {
    int at = (int) (index / 2);
    bytes.put(at, (byte) (bytes.get(at) | ((number & 0xf) << (index % 2 * 4))));
  }
}
