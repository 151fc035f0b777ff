package dev.banyan.artifacts.tensor;

import java.util.Optional;

/**
 * Element type of a tensor. The code is ONNX's {@code TensorProto.DataType} (ORT's checkpoint and
 * adapter files use the same numbers), the tag is the one in a safetensors header.
 */
public enum DType {
  FLOAT(1, 4, "F32"),
  UINT8(2, 1, "U8"),
  INT8(3, 1, "I8"),
  UINT16(4, 2, "U16"),
  INT16(5, 2, "I16"),
  INT32(6, 4, "I32"),
  INT64(7, 8, "I64"),
  BOOL(9, 1, "BOOL"),
  FLOAT16(10, 2, "F16"),
  DOUBLE(11, 8, "F64"),
  UINT32(12, 4, "U32"),
  UINT64(13, 8, "U64"),
  BFLOAT16(16, 2, "BF16");

  private final int onnxCode;
  private final int bytes;
  private final String safetensorsTag;

  DType(int onnxCode, int bytes, String safetensorsTag) {
    this.onnxCode = onnxCode;
    this.bytes = bytes;
    this.safetensorsTag = safetensorsTag;
  }

  /** ONNX's number of this type. */
  public int onnxCode() {
    return onnxCode;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** The type's name in a safetensors header, for instance {@code F32}. */
  public String safetensorsTag() {
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
      if (type.safetensorsTag.equals(tag)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
