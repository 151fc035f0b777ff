package dev.banyan.artifacts.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A named tensor: little-endian bytes in row-major order, on the heap, off it, or mapped from a
 * file.
 *
 * <p>The segment is not copied; whoever made it decides how long it lives.
 *
 * @param name the tensor's name in its file or graph
 * @param type element type
 * @param shape dimensions
 * @param data exactly {@code shape.elements() * type.bytes()} bytes
 */
public record Tensor(String name, DType type, Shape shape, MemorySegment data) {
  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONGS =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * Checks that the bytes fit the shape.
   *
   * @throws IllegalArgumentException if they do not
   */
  public Tensor {
    long expected = Math.multiplyExact(shape.elements(), type.bytes());
    if (data.byteSize() != expected) {
      throw new IllegalArgumentException(
          "Tensor '%s' of %s%s needs %d bytes and was given %d"
              .formatted(name, type, shape, expected, data.byteSize()));
    }
  }

  /** A heap tensor of floats. */
  public static Tensor ofFloats(String name, Shape shape, float... values) {
    MemorySegment data = MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, 4)]);
    for (int i = 0; i < values.length; i++) {
      data.setAtIndex(FLOATS, i, values[i]);
    }
    return new Tensor(name, DType.FLOAT, shape, data);
  }

  /** A heap tensor of 64-bit integers. */
  public static Tensor ofLongs(String name, Shape shape, long... values) {
    MemorySegment data = MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, 8)]);
    for (int i = 0; i < values.length; i++) {
      data.setAtIndex(LONGS, i, values[i]);
    }
    return new Tensor(name, DType.INT64, shape, data);
  }

  /**
   * The elements of a {@link DType#FLOAT} tensor in a fresh array.
   *
   * @throws IllegalStateException if the element type is another
   */
  public float[] floats() {
    require(DType.FLOAT);
    float[] values = new float[Math.toIntExact(shape.elements())];
    MemorySegment.copy(data, FLOATS, 0, values, 0, values.length);
    return values;
  }

  /**
   * The elements of a {@link DType#INT64} tensor in a fresh array.
   *
   * @throws IllegalStateException if the element type is another
   */
  public long[] longs() {
    require(DType.INT64);
    long[] values = new long[Math.toIntExact(shape.elements())];
    MemorySegment.copy(data, LONGS, 0, values, 0, values.length);
    return values;
  }

  /** The same bytes under another name. */
  public Tensor named(String newName) {
    return new Tensor(newName, type, shape, data);
  }

  private void require(DType expected) {
    if (type != expected) {
      throw new IllegalStateException("Tensor '%s' is %s, not %s".formatted(name, type, expected));
    }
  }
}
