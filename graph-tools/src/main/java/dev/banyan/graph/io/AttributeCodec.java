package dev.banyan.graph.io;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.TensorProtos;
import dev.banyan.artifacts.onnx.proto.AttributeProto;
import dev.banyan.artifacts.onnx.proto.AttributeProto.AttributeType;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** Attributes as ONNX's messages have them. */
final class AttributeCodec {
  private final OnnxFile file;

  /** Tensors are read from this file and the data files beside it. */
  AttributeCodec(OnnxFile file) {
    this.file = file;
  }

  Attribute decode(AttributeProto proto) {
    return switch (proto.getType()) {
      case INT -> Attribute.of(proto.getI());
      case FLOAT -> Attribute.of(proto.getF());
      case STRING -> Attribute.of(proto.getS().toStringUtf8());
      case INTS -> new Attribute.Ints(proto.getIntsList());
      case FLOATS -> new Attribute.Reals(proto.getFloatsList());
      case STRINGS ->
          new Attribute.Texts(
              proto.getStringsList().stream().map(ByteString::toStringUtf8).toList());
      case TENSOR -> isNumeric(proto.getT()) ? constant(proto) : opaque(proto);
      case UNDEFINED,
          GRAPH,
          TENSORS,
          GRAPHS,
          SPARSE_TENSOR,
          SPARSE_TENSORS,
          TYPE_PROTO,
          TYPE_PROTOS ->
          opaque(proto);
    };
  }

  /** What a {@code Constant} node holds, named like its output; empty for strings and sparse. */
  Optional<Tensor> constant(NodeProto node) {
    if (node.getAttributeCount() != 1 || node.getOutputCount() != 1) {
      return Optional.empty();
    }
    String name = node.getOutput(0);
    Attribute value = decode(node.getAttribute(0));
    return switch (value) {
      case Attribute.Constant(Tensor tensor) -> Optional.of(tensor.named(name));
      case Attribute.Int(long number) -> Optional.of(Tensor.ofLongs(name, Shape.SCALAR, number));
      case Attribute.Real(float number) -> Optional.of(Tensor.ofFloats(name, Shape.SCALAR, number));
      case Attribute.Ints(List<Long> numbers) ->
          Optional.of(
              Tensor.ofLongs(
                  name,
                  Shape.of(numbers.size()),
                  numbers.stream().mapToLong(Long::longValue).toArray()));
      case Attribute.Reals(List<Float> numbers) -> Optional.of(reals(name, numbers));
      case Attribute.Text text -> Optional.empty();
      case Attribute.Texts texts -> Optional.empty();
      case Attribute.Opaque opaque -> Optional.empty();
    };
  }

  static AttributeProto encode(String name, Attribute attribute) {
    AttributeProto.Builder proto = AttributeProto.newBuilder().setName(name);
    switch (attribute) {
      case Attribute.Int(long value) -> proto.setType(AttributeType.INT).setI(value);
      case Attribute.Real(float value) -> proto.setType(AttributeType.FLOAT).setF(value);
      case Attribute.Text(String value) ->
          proto.setType(AttributeType.STRING).setS(ByteString.copyFromUtf8(value));
      case Attribute.Ints(List<Long> values) ->
          proto.setType(AttributeType.INTS).addAllInts(values);
      case Attribute.Reals(List<Float> values) ->
          proto.setType(AttributeType.FLOATS).addAllFloats(values);
      case Attribute.Texts(List<String> values) -> {
        proto.setType(AttributeType.STRINGS);
        values.forEach(value -> proto.addStrings(ByteString.copyFromUtf8(value)));
      }
      case Attribute.Constant(Tensor value) ->
          proto.setType(AttributeType.TENSOR).setT(TensorProtos.inline(value));
      case Attribute.Opaque opaque -> {
        return parse(opaque.encoded()).toBuilder().setName(name).build();
      }
    }
    return proto.build();
  }

  private Attribute constant(AttributeProto proto) {
    return new Attribute.Constant(file.tensor(proto.getT()));
  }

  private static Attribute opaque(AttributeProto proto) {
    return new Attribute.Opaque(MemorySegment.ofArray(proto.toByteArray()), Captures.of(proto));
  }

  private static boolean isNumeric(TensorProto tensor) {
    return DType.ofOnnxCode(tensor.getDataType()).isPresent();
  }

  private static Tensor reals(String name, List<Float> numbers) {
    float[] values = new float[numbers.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = numbers.get(i);
    }
    return Tensor.ofFloats(name, Shape.of(values.length), values);
  }

  private static AttributeProto parse(MemorySegment encoded) {
    try {
      return AttributeProto.parseFrom(encoded.asByteBuffer());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("An opaque attribute does not hold what was read", e);
    }
  }
}
