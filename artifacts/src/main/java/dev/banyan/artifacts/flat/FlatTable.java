package dev.banyan.artifacts.flat;

import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One table of a FlatBuffer. Fields are named by their vtable offset (4, 6, 8, ...), as schemas
 * count them. Every method throws {@link CorruptArtifact} where the bytes lead outside the file.
 */
public final class FlatTable {
  private final FlatBuffer buffer;
  private final long position;
  private final long vtable;
  private final int vtableBytes;

  FlatTable(FlatBuffer buffer, long position) {
    this.buffer = buffer;
    this.position = position;
    this.vtable = position - buffer.intAt(position);
    this.vtableBytes = buffer.unsignedShortAt(vtable);
    buffer.slice(vtable, vtableBytes);
  }

  /** Where the field lies; empty if it is absent. */
  private Optional<Long> place(int field) {
    if (field + Short.BYTES > vtableBytes) {
      return Optional.empty();
    }
    int offset = buffer.unsignedShortAt(vtable + field);
    return offset == 0 ? Optional.empty() : Optional.of(position + offset);
  }

  /** A 32-bit field, or the default if it is absent. */
  public int intAt(int field, int absent) {
    return place(field).map(buffer::intAt).orElse(absent);
  }

  /** A 64-bit field, or the default if it is absent. */
  public long longAt(int field, long absent) {
    return place(field).map(buffer::longAt).orElse(absent);
  }

  /** A float field, or 0 if it is absent. */
  public float floatAt(int field) {
    return place(field).map(at -> Float.intBitsToFloat(buffer.intAt(at))).orElse(0f);
  }

  /** A boolean field, or false if it is absent. */
  public boolean flagAt(int field) {
    return place(field)
        .map(at -> buffer.slice(at, 1).get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0) != 0)
        .orElse(false);
  }

  /** A text, which must be there. */
  public String stringAt(int field) {
    return buffer.stringAt(buffer.follow(required(field)));
  }

  /** A table, if it is there. */
  public Optional<FlatTable> tableAt(int field) {
    return place(field).map(at -> new FlatTable(buffer, buffer.follow(at)));
  }

  /** A list of tables, if it is there. */
  public Optional<List<FlatTable>> tablesAt(int field) {
    return place(field).map(at -> tables(buffer.follow(at)));
  }

  private List<FlatTable> tables(long vector) {
    int length = buffer.vectorLength(vector, Integer.BYTES);
    List<FlatTable> tables = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      tables.add(new FlatTable(buffer, buffer.follow(vector + Integer.BYTES * (i + 1L))));
    }
    return tables;
  }

  /** A list of bytes, not copied, if it is there. */
  public Optional<MemorySegment> bytesAt(int field) {
    return place(field)
        .map(
            at -> {
              long vector = buffer.follow(at);
              return buffer.slice(vector + Integer.BYTES, buffer.vectorLength(vector, 1));
            });
  }

  /** A shape, which must be there. */
  public Shape shapeAt(int field) {
    long vector = buffer.follow(required(field));
    int length = buffer.vectorLength(vector, Long.BYTES);
    List<Long> dims = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      dims.add(buffer.longAt(vector + Integer.BYTES + Long.BYTES * (long) i));
    }
    try {
      return new Shape(dims);
    } catch (IllegalArgumentException e) {
      throw corrupt("the shape " + dims, "no negative dimension");
    }
  }

  /** An element type, given by its ONNX number. */
  public DType typeAt(int field) {
    int code = intAt(field, 0);
    return DType.ofOnnxCode(code)
        .orElseThrow(() -> corrupt("the element type " + code, "a numeric ONNX element type"));
  }

  /** A tensor of these parts, once their sizes agree. */
  public Tensor tensor(String name, DType type, Shape shape, MemorySegment data) {
    try {
      return new Tensor(name, type, shape, data);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw corrupt(
          "tensor '%s' of %s%s with %d bytes".formatted(name, type, shape, data.byteSize()),
          "as many bytes as the shape needs");
    }
  }

  /** The failure of this file, for what only the format knows to be wrong. */
  public CorruptArtifact corrupt(String seen, String expected) {
    return buffer.corrupt(seen, expected);
  }

  private long required(int field) {
    return place(field)
        .orElseThrow(() -> corrupt("a table without its field " + field, "that field"));
  }
}
