package dev.banyan.runtime;

import dev.banyan.artifacts.onnx.proto.AttributeProto;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.OperatorSetIdProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.onnx.proto.TensorShapeProto;
import dev.banyan.artifacts.onnx.proto.TypeProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.artifacts.tensor.DType;
import java.util.List;

/** Builds small ONNX models in tests, one line a node. */
public final class TinyGraph {
  private static final String MICROSOFT = "com.microsoft";

  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("tiny");

  /** A tensor input; each dimension a number or a name. */
  public TinyGraph input(String name, DType type, String... dims) {
    graph.addInput(value(name, TypeProto.newBuilder().setTensorType(tensor(type, dims))));
    return this;
  }

  /** An input that is a sequence of float tensors. */
  public TinyGraph sequenceInput(String name) {
    graph.addInput(value(name, sequence()));
    return this;
  }

  /** Declares an inner value that is a sequence of float tensors. */
  public TinyGraph sequenceValue(String name) {
    graph.addValueInfo(value(name, sequence()));
    return this;
  }

  /** A tensor output. */
  public TinyGraph output(String name, DType type, String... dims) {
    graph.addOutput(value(name, TypeProto.newBuilder().setTensorType(tensor(type, dims))));
    return this;
  }

  /** A constant. */
  public TinyGraph constant(TensorProto tensor) {
    graph.addInitializer(tensor);
    return this;
  }

  /** A node of standard ONNX. */
  public TinyGraph node(
      String op, List<String> inputs, List<String> outputs, Object... attributes) {
    return add("", op, inputs, outputs, attributes);
  }

  /** A node of ORT's own operators. */
  public TinyGraph microsoft(
      String op, List<String> inputs, List<String> outputs, Object... attributes) {
    return add(MICROSOFT, op, inputs, outputs, attributes);
  }

  /** The model, of opset 17. */
  public ModelProto model() {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .setGraph(graph)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(MICROSOFT).setVersion(1))
        .build();
  }

  private TinyGraph add(
      String domain, String op, List<String> inputs, List<String> outputs, Object... attributes) {
    NodeProto.Builder node =
        NodeProto.newBuilder()
            .setDomain(domain)
            .setOpType(op)
            .setName(op + "_" + outputs.getFirst())
            .addAllInput(inputs)
            .addAllOutput(outputs);
    for (int i = 0; i < attributes.length; i += 2) {
      node.addAttribute(attribute((String) attributes[i], attributes[i + 1]));
    }
    graph.addNode(node);
    return this;
  }

  private static AttributeProto.Builder attribute(String name, Object value) {
    AttributeProto.Builder attribute = AttributeProto.newBuilder().setName(name);
    return switch (value) {
      case Integer number -> attribute.setType(AttributeProto.AttributeType.INT).setI(number);
      case Float number -> attribute.setType(AttributeProto.AttributeType.FLOAT).setF(number);
      case int[] numbers -> {
        attribute.setType(AttributeProto.AttributeType.INTS);
        for (int number : numbers) {
          attribute.addInts(number);
        }
        yield attribute;
      }
      default -> throw new IllegalArgumentException("No attribute of this type: " + value);
    };
  }

  private static ValueInfoProto value(String name, TypeProto.Builder type) {
    return ValueInfoProto.newBuilder().setName(name).setType(type).build();
  }

  private static TypeProto.Builder sequence() {
    TypeProto.Tensor.Builder element =
        TypeProto.Tensor.newBuilder().setElemType(DType.FLOAT.onnxCode());
    return TypeProto.newBuilder()
        .setSequenceType(
            TypeProto.Sequence.newBuilder()
                .setElemType(TypeProto.newBuilder().setTensorType(element)));
  }

  private static TypeProto.Tensor.Builder tensor(DType type, String... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (String dim : dims) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      shape.addDim(
          dim.matches("\\d+")
              ? dimension.setDimValue(Long.parseLong(dim))
              : dimension.setDimParam(dim));
    }
    return TypeProto.Tensor.newBuilder().setElemType(type.onnxCode()).setShape(shape);
  }
}
