package dev.banyan.artifacts.onnx;

import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.OperatorSetIdProto;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.onnx.proto.TensorShapeProto;
import dev.banyan.artifacts.onnx.proto.TypeProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;

/** Small models for the tests of this package. */
final class Models {
  private Models() {}

  /** {@code Y = X·W} with these initializers. */
  static ModelProto product(TensorProto... initializers) {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("product")
            .addNode(
                NodeProto.newBuilder()
                    .setOpType("MatMul")
                    .setName("/layer/MatMul")
                    .addInput("X")
                    .addInput("W")
                    .addOutput("Y"))
            .addInput(value("X"))
            .addOutput(value("Y"));
    for (TensorProto initializer : initializers) {
      graph.addInitializer(initializer);
    }
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .setGraph(graph)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
        .build();
  }

  private static ValueInfoProto value(String name) {
    TensorShapeProto shape =
        TensorShapeProto.newBuilder()
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("batch"))
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(2))
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(1).setShape(shape)))
        .build();
  }
}
