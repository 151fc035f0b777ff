package dev.banyan.graph.training;

import dev.banyan.artifacts.onnx.proto.AttributeProto;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.OperatorSetIdProto;
import dev.banyan.artifacts.onnx.proto.TensorShapeProto;
import dev.banyan.artifacts.onnx.proto.TypeProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.OpId;
import java.util.List;

/**
 * The graph of one update: gradients clipped to a global norm, then AdamW (Loshchilov and Hutter,
 * 2019, arXiv:1711.05101) in PyTorch's form, which is the operator's {@code adam_mode} 0.
 *
 * <p>ONNX Runtime compares inputs with a fixed list, position by position, and they are sequences,
 * which the graph classes of this module do not have: so the file's messages are made here.
 */
final class OptimizerGraph {
  private static final String GRADIENTS = "gradients";
  private static final String CLIPPED = "clipped_gradients";
  private static final List<String> SEQUENCES =
      List.of("params", GRADIENTS, "first_order_moments", "second_order_moments");

  /** The bundle's defaults; {@code train} writes its own numbers over them. */
  private static final float WEIGHT_DECAY = 0.01f;

  private static final float MAX_NORM = 1f;

  private OptimizerGraph() {}

  /**
   * The update as a model file.
   *
   * @param opset version of ONNX's operator set of the training graph
   */
  static ModelProto of(int opset) {
    return ModelProto.newBuilder()
        .setIrVersion(IrVersion.of(opset))
        .setProducerName("banyan")
        .addOpsetImport(operatorSet("", opset))
        .addOpsetImport(operatorSet(OpId.MICROSOFT, 1))
        .setGraph(graph())
        .build();
  }

  private static GraphProto graph() {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("optimizer")
            .addInput(tensor("learning_rate", DType.FLOAT))
            .addInput(tensor("step", DType.INT64));
    SEQUENCES.forEach(name -> graph.addInput(sequence(name)));
    return graph
        .addValueInfo(sequence(CLIPPED))
        .addNode(clip())
        .addNode(adamW())
        .addOutput(tensor("updated_flag", DType.BOOL))
        .build();
  }

  private static NodeProto clip() {
    return NodeProto.newBuilder()
        .setDomain(OpId.MICROSOFT)
        .setOpType("InplaceClipGradNorm")
        .setName("clip")
        .addInput(GRADIENTS)
        .addOutput(CLIPPED)
        .addAttribute(real("max_norm", MAX_NORM))
        .build();
  }

  private static NodeProto adamW() {
    return NodeProto.newBuilder()
        .setDomain(OpId.MICROSOFT)
        .setOpType("AdamWOptimizer")
        .setName("adamw")
        .addAllInput(
            List.of(
                "learning_rate",
                "step",
                "params",
                CLIPPED,
                "first_order_moments",
                "second_order_moments"))
        .addOutput("updated_flag")
        .addAttribute(real("alpha", 0.9f))
        .addAttribute(real("beta", 0.999f))
        .addAttribute(real("epsilon", 1e-8f))
        .addAttribute(real("weight_decay", WEIGHT_DECAY))
        .addAttribute(whole("correct_bias", 1))
        .addAttribute(whole("adam_mode", 0))
        .build();
  }

  private static OperatorSetIdProto operatorSet(String domain, int version) {
    return OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version).build();
  }

  private static AttributeProto real(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  private static AttributeProto whole(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static ValueInfoProto tensor(String name, DType type) {
    TensorShapeProto one =
        TensorShapeProto.newBuilder()
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(1))
            .build();
    TypeProto.Tensor tensor =
        TypeProto.Tensor.newBuilder().setElemType(type.onnxCode()).setShape(one).build();
    return value(name, TypeProto.newBuilder().setTensorType(tensor).build());
  }

  private static ValueInfoProto sequence(String name) {
    TypeProto.Tensor element =
        TypeProto.Tensor.newBuilder().setElemType(DType.FLOAT.onnxCode()).build();
    TypeProto.Sequence sequence =
        TypeProto.Sequence.newBuilder()
            .setElemType(TypeProto.newBuilder().setTensorType(element))
            .build();
    return value(name, TypeProto.newBuilder().setSequenceType(sequence).build());
  }

  private static ValueInfoProto value(String name, TypeProto type) {
    return ValueInfoProto.newBuilder().setName(name).setType(type).build();
  }
}
