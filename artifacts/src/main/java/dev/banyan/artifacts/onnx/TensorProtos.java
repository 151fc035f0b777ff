package dev.banyan.artifacts.onnx;

import com.google.protobuf.UnsafeByteOperations;
import dev.banyan.artifacts.onnx.proto.StringStringEntryProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.Tensor;

/** Turns tensors into ONNX's messages; {@link OnnxFile#tensor} goes the other way. */
public final class TensorProtos {
  private TensorProtos() {}

  /**
   * A message that holds the tensor's bytes: a view of them, so that a mapped weight costs no
   * memory until it is written. They must not change, and must stay until the message is no longer
   * used.
   *
   * @throws IllegalArgumentException if the tensor has 2 GiB or more, which no message can hold
   */
  public static TensorProto inline(Tensor tensor) {
    if (tensor.data().byteSize() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "Tensor '%s' has %d bytes; a message holds less than 2 GiB, larger ones are external"
              .formatted(tensor.name(), tensor.data().byteSize()));
    }
    return header(tensor)
        .setRawData(UnsafeByteOperations.unsafeWrap(tensor.data().asByteBuffer()))
        .build();
  }

  /** A message that says where the tensor's bytes lie. */
  public static TensorProto external(Tensor tensor, ExternalLocation place) {
    return header(tensor)
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", place.file()))
        .addExternalData(entry("offset", Long.toString(place.offset())))
        .addExternalData(entry("length", Long.toString(place.length())))
        .build();
  }

  /** A message for a tensor that its reader has from elsewhere: external, and yet in no file. */
  static TensorProto lent(Tensor tensor) {
    return header(tensor).setDataLocation(TensorProto.DataLocation.EXTERNAL).build();
  }

  /** True for what {@link #lent} makes. */
  static boolean isLent(TensorProto proto) {
    return proto.getDataLocation() == TensorProto.DataLocation.EXTERNAL
        && proto.getExternalDataCount() == 0;
  }

  private static TensorProto.Builder header(Tensor tensor) {
    return TensorProto.newBuilder()
        .setName(tensor.name())
        .setDataType(tensor.type().onnxCode())
        .addAllDims(tensor.shape().dims());
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
