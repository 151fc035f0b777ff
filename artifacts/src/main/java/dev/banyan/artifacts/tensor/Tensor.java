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
 * @param data exactly {@code type.bytes(shape.elements())} bytes
 */
public record Tensor(String name, DType type, Shape shape, MemorySegment data) {
  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONGS =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final ValueLayout.OfShort SHORTS =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLES =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * Checks that the bytes fit the shape.
   *
   * @throws IllegalArgumentException if they do not
   */
  public Tensor {
    long expected = type.bytes(shape.elements());
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

  /**
   * An element of a tensor of numbers of 4 or 8 bits.
   *
   * @throws IllegalStateException if the element type is another
   */
  public int smallNumber(long index) {
    return switch (type) {
      case UINT8 -> data.get(ValueLayout.JAVA_BYTE, index) & 0xff;
      case INT8 -> data.get(ValueLayout.JAVA_BYTE, index);
      case UINT4 -> half(index);
      // The high half's sign is the number's.
      case INT4 -> (byte) (half(index) << 4) >> 4;
      case FLOAT, FLOAT16, BFLOAT16, DOUBLE -> throw noSmallNumbers();
      case BOOL, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> throw noSmallNumbers();
    };
  }

  private int half(long index) {
    return (data.get(ValueLayout.JAVA_BYTE, index / 2) >> (index % 2 * 4)) & 0xf;
  }

  private IllegalStateException noSmallNumbers() {
    return new IllegalStateException(
        "Tensor '%s' is %s, not numbers of 4 or 8 bits".formatted(name, type));
  }

  /**
   * The elements as {@link DType#FLOAT}: the tensor itself if they are, else a copy on the heap.
   *
   * @throws IllegalStateException if they are not 16-, 32- or 64-bit floating-point numbers
   */
  public Tensor widened() {
    return switch (type) {
      case FLOAT -> this;
      case FLOAT16, BFLOAT16, DOUBLE -> {
        float[] values = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < values.length; i++) {
          values[i] = floatAt(i);
        }
        yield ofFloats(name, shape, values);
      }
      case UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, UINT32, UINT64, UINT4, INT4 ->
          throw new IllegalStateException(
              "Tensor '%s' is %s, which is not widened to FLOAT".formatted(name, type));
    };
  }

  /**
   * The elements of a {@link DType#FLOAT} tensor as 16-bit floating-point numbers, each rounded to
   * the nearest, ties to even; the tensor itself if FLOAT is asked for.
   *
   * @throws IllegalStateException if the element type is another, or the one asked for is neither
   *     of these
   */
  public Tensor narrowed(DType narrow) {
    require(DType.FLOAT);
    return switch (narrow) {
      case FLOAT -> this;
      case FLOAT16, BFLOAT16 -> {
        float[] values = floats();
        MemorySegment narrowed =
            MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, 2)]);
        for (int i = 0; i < values.length; i++) {
          short bits =
              narrow == DType.FLOAT16 ? Float.floatToFloat16(values[i]) : toBfloat16(values[i]);
          narrowed.setAtIndex(SHORTS, i, bits);
        }
        yield new Tensor(name, narrow, shape, narrowed);
      }
      case DOUBLE, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, UINT32, UINT64, UINT4, INT4 ->
          throw new IllegalStateException(
              "Tensor '%s' is FLOAT, which is not narrowed to %s".formatted(name, narrow));
    };
  }

  /**
   * A tensor of FLOAT cut, or filled up with zeros, at the end of each axis; itself if it has this
   * shape.
   *
   * @throws IllegalArgumentException if it has another number of axes, or none
   */
  public Tensor resized(Shape other) {
    if (other.equals(shape)) {
      return this;
    }
    float[] result = new float[Math.toIntExact(other.elements())];
    copyInto(MemorySegment.ofArray(result), other);
    return ofFloats(name, other, result);
  }

  /**
   * Copies a tensor of FLOAT into the first corner of a larger one, or what has room of it into a
   * smaller one.
   *
   * @param target as many floats as the shape has elements; what the tensor does not have is left
   *     as it is
   * @throws IllegalArgumentException if it has another number of axes, or none
   */
  public void copyInto(MemorySegment target, Shape other) {
    if (other.equals(shape)) {
      target.copyFrom(data);
      return;
    }
    if (other.rank() != shape.rank() || shape.rank() < 1) {
      throw new IllegalArgumentException(
          "Tensor '%s' of %s is not resized to %s".formatted(name, shape, other));
    }
    copyAxis(new Corner(target, other, 0), 0, 0);
  }

  /**
   * Where an axis is copied to.
   *
   * @param axis the first that is copied; those before it have been walked to
   */
  private record Corner(MemorySegment target, Shape room, int axis) {
    Corner inner() {
      return new Corner(target, room, axis + 1);
    }
  }

  private void copyAxis(Corner corner, long from, long to) {
    int axis = corner.axis();
    long count = Math.min(shape.dim(axis), corner.room().dim(axis));
    if (axis == shape.rank() - 1) {
      MemorySegment.copy(data, from, corner.target(), to, count * Float.BYTES);
      return;
    }
    long step = stride(shape, axis);
    long stepThere = stride(corner.room(), axis);
    Corner inner = corner.inner();
    for (long i = 0; i < count; i++) {
      copyAxis(inner, from + i * step, to + i * stepThere);
    }
  }

  /** Bytes from one element of an axis to the next. */
  private static long stride(Shape of, int axis) {
    long elements = 1;
    for (int inner = axis + 1; inner < of.rank(); inner++) {
      elements *= of.dim(inner);
    }
    return elements * Float.BYTES;
  }

  /** Adding half of what is cut off, less one where the last bit kept is even, rounds. */
  private static short toBfloat16(float value) {
    int bits = Float.floatToIntBits(value);
    if (Float.isNaN(value)) {
      // Rounding could carry a NaN into an infinity.
      return (short) ((bits >> 16) | 0x40);
    }
    return (short) ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
  }

  private float floatAt(long index) {
    return switch (type) {
      case FLOAT16 -> Float.float16ToFloat(data.getAtIndex(SHORTS, index));
      // bfloat16 is the upper half of a float.
      case BFLOAT16 -> Float.intBitsToFloat(data.getAtIndex(SHORTS, index) << 16);
      case DOUBLE -> (float) data.getAtIndex(DOUBLES, index);
      case FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, UINT32, UINT64, UINT4, INT4 ->
          throw new IllegalStateException("Not reached for " + type);
    };
  }

  /**
   * A {@code [rows, columns]} tensor as {@code [columns, rows]}, copied to the heap.
   *
   * @throws IllegalStateException if the tensor has another number of dimensions
   */
  public Tensor transposed() {
    if (shape.rank() != 2) {
      throw new IllegalStateException(
          "Tensor '%s' of shape %s cannot be transposed; two dimensions are needed"
              .formatted(name, shape));
    }
    if (type == DType.FLOAT) {
      return transposedFloats();
    }
    long rows = shape.dim(0);
    long columns = shape.dim(1);
    int size = type.bytes();
    MemorySegment turned = MemorySegment.ofArray(new byte[Math.toIntExact(data.byteSize())]);
    for (long row = 0; row < rows; row++) {
      for (long column = 0; column < columns; column++) {
        long from = (row * columns + column) * size;
        MemorySegment.copy(data, from, turned, (column * rows + row) * size, size);
      }
    }
    return new Tensor(name, type, Shape.of(columns, rows), turned);
  }

  /** Adapters are floats, and every one that is loaded is turned: arrays are ten times as fast. */
  private Tensor transposedFloats() {
    int rows = Math.toIntExact(shape.dim(0));
    int columns = Math.toIntExact(shape.dim(1));
    float[] values = floats();
    float[] turned = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        turned[column * rows + row] = values[row * columns + column];
      }
    }
    return ofFloats(name, Shape.of(columns, rows), turned);
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
