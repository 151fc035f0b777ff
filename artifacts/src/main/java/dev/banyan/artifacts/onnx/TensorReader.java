package dev.banyan.artifacts.onnx;

import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.proto.StringStringEntryProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/** Finds a tensor's bytes in one of the three places that ONNX allows and checks their number. */
final class TensorReader {
  private final String artifact;
  private final ExternalFiles externals;

  TensorReader(String artifact, ExternalFiles externals) {
    this.artifact = artifact;
    this.externals = externals;
  }

  Tensor read(TensorProto proto) {
    DType type =
        DType.ofOnnxCode(proto.getDataType())
            .orElseThrow(
                () ->
                    new UnusableArtifact(
                        artifact,
                        "tensor '%s' has the ONNX element type %d"
                            .formatted(proto.getName(), proto.getDataType()),
                        "export the model with numbers of 4 to 64 bits"));
    if (proto.hasSegment()) {
      throw new UnusableArtifact(
          artifact,
          "tensor '" + proto.getName() + "' is stored in segments",
          "export the model with whole tensors");
    }
    long bytes = size(proto, type);
    MemorySegment data;
    if (proto.getDataLocation() == TensorProto.DataLocation.EXTERNAL) {
      data = external(proto, bytes);
    } else if (proto.hasRawData()) {
      data = MemorySegment.ofBuffer(proto.getRawData().asReadOnlyByteBuffer());
    } else {
      data = numbers(proto, type);
    }
    if (data.byteSize() != bytes) {
      throw corrupt(proto, data.byteSize() + " bytes", bytes + " bytes");
    }
    return new Tensor(proto.getName(), type, new Shape(proto.getDimsList()), data);
  }

  private long size(TensorProto proto, DType type) {
    try {
      return type.bytes(new Shape(proto.getDimsList()).elements());
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw corrupt(proto, "the shape " + proto.getDimsList(), "a shape of a possible size");
    }
  }

  private MemorySegment external(TensorProto proto, long bytes) {
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : proto.getExternalDataList()) {
      entries.put(entry.getKey(), entry.getValue());
    }
    String location = entries.getOrDefault("location", "");
    MemorySegment file = externals.file(location);
    long offset = number(proto, entries.getOrDefault("offset", "0"));
    long length = number(proto, entries.getOrDefault("length", Long.toString(bytes)));
    if (offset > file.byteSize() || length > file.byteSize() - offset) {
      throw corrupt(
          proto,
          "bytes %d + %d of '%s', which has %d"
              .formatted(offset, length, location, file.byteSize()),
          "a place inside that file");
    }
    return file.asSlice(offset, length);
  }

  private long number(TensorProto proto, String text) {
    try {
      long value = Long.parseLong(text);
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Reported below, together with negative numbers.
    }
    throw corrupt(proto, "the place '" + text + "'", "a number of bytes");
  }

  /** The elements of the field that ONNX assigns to this type, packed. */
  private MemorySegment numbers(TensorProto proto, DType type) {
    int count =
        switch (type) {
          case FLOAT -> proto.getFloatDataCount();
          case DOUBLE -> proto.getDoubleDataCount();
          case INT64 -> proto.getInt64DataCount();
          case UINT32, UINT64 -> proto.getUint64DataCount();
          // Of 4-bit numbers each entry holds the two of a byte.
          case INT8, UINT8, INT4, UINT4, INT16, UINT16, INT32, BOOL, FLOAT16, BFLOAT16 ->
              proto.getInt32DataCount();
        };
    // Heap arrays stop at 2 GiB, and so did the message that the numbers came in.
    int size = Math.max(type.bits(), Byte.SIZE) / Byte.SIZE;
    if ((long) count * size > Integer.MAX_VALUE - 8) {
      throw new UnusableArtifact(
          artifact, "tensor '" + proto.getName() + "' is too long", "export it as raw bytes");
    }
    ByteBuffer packed = ByteBuffer.allocate(count * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      switch (type) {
        case FLOAT -> packed.putFloat(proto.getFloatData(i));
        case DOUBLE -> packed.putDouble(proto.getDoubleData(i));
        case INT64 -> packed.putLong(proto.getInt64Data(i));
        case UINT64 -> packed.putLong(proto.getUint64Data(i));
        case UINT32 -> packed.putInt((int) proto.getUint64Data(i));
        case INT32 -> packed.putInt(proto.getInt32Data(i));
        case INT16, UINT16, FLOAT16, BFLOAT16 -> packed.putShort((short) proto.getInt32Data(i));
        case INT8, UINT8, INT4, UINT4, BOOL -> packed.put((byte) proto.getInt32Data(i));
      }
    }
    return MemorySegment.ofArray(packed.array());
  }

  private CorruptArtifact corrupt(TensorProto proto, String seen, String expected) {
    return new CorruptArtifact(artifact, "tensor '" + proto.getName() + "' has " + seen, expected);
  }
}
