package dev.banyan.graph.io;

import dev.banyan.artifacts.onnx.proto.TensorShapeProto;
import dev.banyan.artifacts.onnx.proto.TypeProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Types of values as ONNX's messages have them. */
final class TypeCodec {
  private TypeCodec() {}

  /** The type, if it is a tensor's with a known number of axes. */
  static Optional<TensorType> decode(TypeProto type) {
    if (!type.hasTensorType() || !type.getTensorType().hasShape()) {
      return Optional.empty();
    }
    List<Dim> dims = new ArrayList<>();
    for (TensorShapeProto.Dimension dim : type.getTensorType().getShape().getDimList()) {
      if (dim.hasDimValue() && dim.getDimValue() >= 0) {
        dims.add(Dim.of(dim.getDimValue()));
      } else {
        dims.add(dim.getDimParam().isEmpty() ? new Dim.Unknown() : Dim.of(dim.getDimParam()));
      }
    }
    return DType.ofOnnxCode(type.getTensorType().getElemType())
        .map(dtype -> new TensorType(dtype, dims));
  }

  /** The value's name, and its type if that is known. */
  static ValueInfoProto encode(Value value) {
    ValueInfoProto.Builder info = ValueInfoProto.newBuilder().setName(value.name());
    value.type().ifPresent(type -> info.setType(encode(type)));
    return info.build();
  }

  /** The message of a type. */
  static TypeProto encode(TensorType type) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (Dim dim : type.dims()) {
      TensorShapeProto.Dimension.Builder entry = shape.addDimBuilder();
      switch (dim) {
        case Dim.Known(long size) -> entry.setDimValue(size);
        case Dim.Symbolic(String name) -> entry.setDimParam(name);
        case Dim.Unknown() -> {
          // An entry without a value says that the axis exists.
        }
      }
    }
    return TypeProto.newBuilder()
        .setTensorType(
            TypeProto.Tensor.newBuilder().setElemType(type.dtype().onnxCode()).setShape(shape))
        .build();
  }
}
