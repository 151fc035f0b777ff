package dev.banyan.runtime.training;

import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.TensorProtos;
import dev.banyan.artifacts.onnx.proto.AttributeProto;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The optimizer graph of one run: the bundle's with this run's numbers, which ORT has as attributes
 * of nodes rather than as inputs.
 *
 * <p>Clipping is also spelled out in plain operators. ORT hands the gradients over in an order that
 * changes from session to session, and its own {@code InplaceClipGradNorm} adds their squares in
 * that order with 32 bits: two runs of one seed then differ in the last digit. Here the squares are
 * added with 64 bits, and the order no longer shows.
 *
 * @param weightDecay {@code weight_decay} of {@code AdamWOptimizer}
 * @param clip most the global L2 norm of the gradients may be; 0 for no clipping
 * @param parameters number of trainable parameters
 */
record RunOptimizer(double weightDecay, double clip, int parameters) {
  private static final String ADAMW = "AdamWOptimizer";
  private static final String CLIP = "InplaceClipGradNorm";
  private static final String GRADIENTS = "gradients";
  private static final String CLIPPED = "banyan/clipped";

  /** {@code AdamWOptimizer}'s place for the gradients. */
  private static final int GRADIENTS_INPUT = 3;

  /**
   * Writes the graph.
   *
   * @throws UnusableArtifact if the bundle's graph has no AdamW
   */
  void write(Path original, Path target) {
    ModelProto model = OnnxFile.read(original).model();
    GraphProto.Builder graph = model.getGraph().toBuilder();
    NodeProto adamw =
        graph.getNodeList().stream()
            .filter(node -> node.getOpType().equals(ADAMW))
            .findFirst()
            .orElseThrow(
                () ->
                    new UnusableArtifact(
                        original.toString(),
                        "no node " + ADAMW,
                        "prepare the bundle again with this version of Banyan"));
    List<NodeProto> others =
        graph.getNodeList().stream()
            .filter(node -> !node.getOpType().equals(ADAMW) && !node.getOpType().equals(CLIP))
            .toList();
    graph.clearNode().addAllNode(others).clearValueInfo();
    if (clip > 0) {
      addClipping(graph);
    }
    graph.addNode(withWeightDecay(adamw).setInput(GRADIENTS_INPUT, clip > 0 ? CLIPPED : GRADIENTS));
    OnnxFile.write(target, model.toBuilder().setGraph(graph).build());
  }

  private NodeProto.Builder withWeightDecay(NodeProto adamw) {
    NodeProto.Builder node = adamw.toBuilder();
    List<AttributeProto> others =
        node.getAttributeList().stream()
            .filter(attribute -> !attribute.getName().equals("weight_decay"))
            .toList();
    return node.clearAttribute()
        .addAllAttribute(others)
        .addAttribute(
            AttributeProto.newBuilder()
                .setName("weight_decay")
                .setType(AttributeProto.AttributeType.FLOAT)
                .setF((float) weightDecay));
  }

  /** {@code g * min(1, clip / (norm + 1e-6))}, as PyTorch's {@code clip_grad_norm_}. */
  private void addClipping(GraphProto.Builder graph) {
    List<String> squares = new ArrayList<>();
    List<String> clipped = new ArrayList<>();
    for (int i = 0; i < parameters; i++) {
      String index = "banyan/index_" + i;
      String gradient = "banyan/gradient_" + i;
      String square = "banyan/square_" + i;
      graph.addInitializer(TensorProtos.inline(Tensor.ofLongs(index, Shape.SCALAR, i)));
      graph.addNode(node("SequenceAt", List.of(GRADIENTS, index), gradient));
      graph.addNode(
          node("ReduceSumSquare", List.of(gradient), square).addAttribute(integer("keepdims", 0)));
      graph.addNode(cast(square, square + "_64", DType.DOUBLE));
      squares.add(square + "_64");
      clipped.add("banyan/clipped_" + i);
    }
    scalar(graph, "banyan/most", (float) clip);
    scalar(graph, "banyan/tiny", 1e-6f);
    scalar(graph, "banyan/one", 1);
    graph.addNode(node("Sum", squares, "banyan/total"));
    graph.addNode(node("Sqrt", List.of("banyan/total"), "banyan/norm_64"));
    graph.addNode(cast("banyan/norm_64", "banyan/norm", DType.FLOAT));
    graph.addNode(node("Add", List.of("banyan/norm", "banyan/tiny"), "banyan/divisor"));
    graph.addNode(node("Div", List.of("banyan/most", "banyan/divisor"), "banyan/ratio"));
    graph.addNode(node("Min", List.of("banyan/ratio", "banyan/one"), "banyan/factor"));
    for (int i = 0; i < parameters; i++) {
      graph.addNode(node("Mul", List.of("banyan/gradient_" + i, "banyan/factor"), clipped.get(i)));
    }
    graph.addNode(node("SequenceConstruct", clipped, CLIPPED));
  }

  private static void scalar(GraphProto.Builder graph, String name, float value) {
    graph.addInitializer(TensorProtos.inline(Tensor.ofFloats(name, Shape.SCALAR, value)));
  }

  private static NodeProto.Builder node(String op, List<String> inputs, String output) {
    return NodeProto.newBuilder()
        .setOpType(op)
        .setName(output)
        .addAllInput(inputs)
        .addOutput(output);
  }

  private static NodeProto.Builder cast(String input, String output, DType type) {
    return node("Cast", List.of(input), output).addAttribute(integer("to", type.onnxCode()));
  }

  private static AttributeProto.Builder integer(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value);
  }
}
