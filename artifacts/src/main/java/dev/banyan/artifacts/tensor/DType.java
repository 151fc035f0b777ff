package dev.banyan.artifacts.tensor;

import java.util.Optional;

/**
 * Element type of a tensor. The code is ONNX's {@code TensorProto.DataType} (ORT's checkpoint and
 * adapter files use the same numbers), the tag is the one in a safetensors header.
 */
public enum DType {
  FLOAT(1, 32, "F32"),
  UINT8(2, 8, "U8"),
  INT8(3, 8, "I8"),
  UINT16(4, 16, "U16"),
  INT16(5, 16, "I16"),
  INT32(6, 32, "I32"),
  INT64(7, 64, "I64"),
  BOOL(9, 8, "BOOL"),
  FLOAT16(10, 16, "F16"),
  DOUBLE(11, 64, "F64"),
  UINT32(12, 32, "U32"),
  UINT64(13, 64, "U64"),
  BFLOAT16(16, 16, "BF16"),
  UINT4(21, 4, ""),
  INT4(22, 4, "");

  private final int onnxCode;
  private final int bits;
  private final String safetensorsTag;

  DType(int onnxCode, int bits, String safetensorsTag) {
    this.onnxCode = onnxCode;
    this.bits = bits;
    this.safetensorsTag = safetensorsTag;
  }

  /** ONNX's number of this type. */
  public int onnxCode() {
    return onnxCode;
  }

  /** Size of one element in bits. */
  public int bits() {
    return bits;
  }

  /**
   * Size of one element in bytes.
   *
   * @throws IllegalStateException for the types of which two share a byte
   */
  public int bytes() {
    if (bits < Byte.SIZE) {
      throw new IllegalStateException(this + " has " + bits + " bits, which is no whole byte");
    }
    return bits / Byte.SIZE;
  }

  /**
   * Size of this many elements in bytes. Of 4-bit numbers two share a byte, the first in its low
   * half.
   *
   * @throws ArithmeticException if 63 bits cannot count them
   */
  public long bytes(long elements) {
    return Math.ceilDiv(Math.multiplyExact(elements, bits), Byte.SIZE);
  }

  /**
   * The type's name in a safetensors header, for instance {@code F32}.
   *
   * @throws IllegalStateException for the types that the format does not have
   */
  public String safetensorsTag() {
    if (safetensorsTag.isEmpty()) {
      throw new IllegalStateException("Safetensors has no type " + this);
    }
    return safetensorsTag;
  }

  /** True for the types that a gradient can have. */
  public boolean isFloatingPoint() {
    return this == FLOAT || this == FLOAT16 || this == BFLOAT16 || this == DOUBLE;
  }

  /**
   * The type with this ONNX number; empty for types that Banyan has no use for, such as strings.
   */
  public static Optional<DType> ofOnnxCode(int code) {
    for (DType type : values()) {
      if (type.onnxCode == code) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** The type with this safetensors tag; empty if there is none. */
  public static Optional<DType> ofSafetensorsTag(String tag) {
    for (DType type : values()) {
      if (!tag.isEmpty() && type.safetensorsTag.equals(tag)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
