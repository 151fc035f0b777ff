package dev.banyan.graph.lowering;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Runs a fused operator and what it is lowered to, and compares what they give. */
final class FusedCheck {
  private final FusedCase row;
  private final Map<String, Tensor> feeds = new LinkedHashMap<>();

  FusedCheck(FusedCase row) {
    this.row = row;
  }

  /** A graph of the operator alone. */
  Model model() {
    Graph graph = new Graph("fused");
    List<Value> inputs = new ArrayList<>();
    for (FusedCase.Arg arg : row.args()) {
      String name = "x" + inputs.size();
      inputs.add(
          switch (arg) {
            case FusedCase.Arg.Fed(Tensor tensor, TensorType type) -> {
              feeds.put(name, tensor);
              yield graph.addInput(name, type);
            }
            case FusedCase.Arg.Constant(Tensor tensor) -> graph.addConstant(tensor.named(name));
            case FusedCase.Arg.Absent() -> Value.NONE;
          });
    }
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i <= row.outputs().getLast(); i++) {
      outputs.add(row.outputs().contains(i) ? "y" + i : "");
    }
    Node node =
        made(graph, inputs)
            .orElseGet(
                () ->
                    graph.addNode(
                        row.op(), "/layer/" + row.op().type(), inputs, outputs, row.attributes()));
    GraphBuilder b = new GraphBuilder(graph, "read");
    Map<String, Attribute> toFloat = Map.of("to", Attribute.of((long) DType.FLOAT.onnxCode()));
    node.outputs().stream()
        .filter(output -> !output.isNone())
        .forEach(output -> graph.addOutput(b.op("Cast", toFloat, output)));
    return new Model(graph, Map.of("", row.opset(), OpId.MICROSOFT, 1), 8, Map.of());
  }

  /** What is a rule's only together with the nodes before it. */
  private Optional<Node> made(Graph graph, List<Value> inputs) {
    if (row.op().type().startsWith("MatMulInteger")) {
      return Optional.of(dynamicallyQuantized(graph, inputs));
    }
    return row.op().is("MatMul") ? Optional.of(dequantized(graph, inputs)) : Optional.empty();
  }

  /** A product with a weight that is dequantized; it is fed {@code (x, weight, scale, zero)}. */
  private Node dequantized(Graph graph, List<Value> fed) {
    GraphBuilder b = new GraphBuilder(graph, "/layer");
    Value[] quantized = fed.subList(1, fed.size()).toArray(Value[]::new);
    Value weight = b.op("DequantizeLinear", row.attributes(), quantized);
    return b.op("MatMul", fed.getFirst(), weight).producer().orElseThrow();
  }

  /** The operator behind what quantizes its input; it is fed {@code (x, weight, scale, zero)}. */
  private Node dynamicallyQuantized(Graph graph, List<Value> fed) {
    GraphBuilder b = new GraphBuilder(graph, "/layer");
    List<Value> x = b.ops(OpId.onnx("DynamicQuantizeLinear"), Map.of(), 3, fed.getFirst());
    Value weight = fed.get(1);
    Value scale = fed.get(2);
    Value zero = fed.get(3);
    if (!row.op().domain().isEmpty()) {
      Value[] inputs = {x.get(0), weight, x.get(1), scale, x.get(2), zero};
      return b.op(row.op(), Map.of(), inputs).producer().orElseThrow();
    }
    Value product = b.op(row.op(), Map.of(), x.get(0), weight, x.get(2), zero);
    Map<String, Attribute> toFloat = Map.of("to", Attribute.of((long) DType.FLOAT.onnxCode()));
    Value scaled = b.op("Mul", b.op("Cast", toFloat, product), b.op("Mul", x.get(1), scale));
    return scaled.producer().orElseThrow();
  }

  /** Compares; gives the lowered model. */
  Model check(LoweringRules rules, Path folder) {
    Model lowered = Lower.all(model(), rules);
    compare(model(), lowered, row.tolerance(), folder);
    lowered
        .graph()
        .nodes()
        .forEach(node -> assertThat(rules.find(node)).as("rule for %s", node).isEmpty());
    return lowered;
  }

  /** Compares what two tables make of the operator: the same but for the order of sums. */
  void same(LoweringRules a, LoweringRules b, Path folder) {
    compare(Lower.all(model(), a), Lower.all(model(), b), FusedCase.ROUNDING, folder);
  }

  private void compare(Model fused, Model lowered, double tolerance, Path folder) {
    List<float[]> expected = run(fused, folder.resolve("fused.onnx"));
    List<float[]> seen = run(SpeakOpset.old(lowered), folder.resolve("lowered.onnx"));
    for (int i = 0; i < expected.size(); i++) {
      float greatest = 0;
      float difference = 0;
      assertThat(seen.get(i)).as("output %d of %s", i, row).hasSameSizeAs(expected.get(i));
      for (int j = 0; j < expected.get(i).length; j++) {
        greatest = Math.max(greatest, Math.abs(expected.get(i)[j]));
        float apart = Math.abs(expected.get(i)[j] - seen.get(i)[j]);
        difference = Float.isNaN(apart) ? Float.POSITIVE_INFINITY : Math.max(difference, apart);
      }
      assertThat((double) difference)
          .as("output %d of %s", i, row)
          .isLessThanOrEqualTo(tolerance * greatest);
    }
  }

  private List<float[]> run(Model model, Path file) {
    try (var weights = new ExternalDataWriter(file.resolveSibling(file.getFileName() + ".data"))) {
      new OnnxWriter(weights).write(model, file);
    }
    List<String> names = model.graph().outputs().stream().map(Value::name).toList();
    try (InferenceSession session =
            InferenceSession.open(file, SessionSettings.defaults().withThreads(1));
        TensorScope scope = new TensorScope();
        Arena arena = Arena.ofConfined()) {
      Map<String, NativeTensor> fed = new LinkedHashMap<>();
      feeds.forEach((name, tensor) -> fed.put(name, feed(scope, arena, tensor)));
      try (OutputTensors outputs = session.run(fed, names)) {
        return names.stream().map(outputs::floats).toList();
      }
    }
  }

  private static NativeTensor feed(TensorScope scope, Arena arena, Tensor tensor) {
    MemorySegment copy = arena.allocate(tensor.data().byteSize(), 8);
    copy.copyFrom(tensor.data());
    return scope.view(copy, tensor.type(), tensor.shape());
  }
}
