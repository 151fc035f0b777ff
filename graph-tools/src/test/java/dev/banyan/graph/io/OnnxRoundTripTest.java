package dev.banyan.graph.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.AttributeProto;
import dev.banyan.artifacts.onnx.proto.FunctionProto;
import dev.banyan.artifacts.onnx.proto.GraphProto;
import dev.banyan.artifacts.onnx.proto.ModelProto;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.OperatorSetIdProto;
import dev.banyan.artifacts.onnx.proto.TensorShapeProto;
import dev.banyan.artifacts.onnx.proto.TypeProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.types.TypeOf;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OnnxRoundTripTest {
  /** Fusion may depend on how constants are written, which changes the last digit. */
  private static final SessionSettings AS_WRITTEN =
      SessionSettings.defaults().withOptimization(SessionSettings.Optimization.NONE);

  @TempDir Path folder;

  static List<Path> exports() throws IOException {
    return Fixtures.exports();
  }

  @ParameterizedTest
  @MethodSource("exports")
  void aRewrittenFileAnswersBitForBit(Path export) {
    Path copy = write(OnnxReader.read(OnnxFile.read(export)), "copy.onnx");

    assertThat(answer(copy)).usingRecursiveComparison().isEqualTo(answer(export));
  }

  @Test
  void theSameModelGivesTheSameBytes() throws IOException {
    Path export = exports().getFirst();
    Path first = write(OnnxReader.read(OnnxFile.read(export)), "model1.onnx");
    Path second = write(OnnxReader.read(OnnxFile.read(export)), "model2.onnx");

    // Each model names its file of weights.
    assertThat(text(second).replace("model2", "model1")).isEqualTo(text(first));
  }

  @Test
  void bigConstantsLieOutsideAndOnceForTwoGraphs() throws IOException {
    Model model = OnnxReader.read(OnnxFile.read(Fixtures.export("bert_opset17")));
    Path data = folder.resolve("shared.data");
    long once;
    try (ExternalDataWriter weights = new ExternalDataWriter(data)) {
      OnnxWriter writer = new OnnxWriter(weights);
      writer.write(model, folder.resolve("a.onnx"));
      once = Files.size(data);
      writer.write(model, folder.resolve("b.onnx"));
    }

    assertThat(Files.size(data)).isEqualTo(once).isPositive();
    assertThat(answer(folder.resolve("b.onnx")))
        .usingRecursiveComparison()
        .isEqualTo(answer(folder.resolve("a.onnx")));
  }

  @Test
  void subgraphsAreCarriedAsTheyWere() {
    AttributeProto branch = branch("then_branch", "outer");
    GraphProto graph =
        GraphProto.newBuilder()
            .setName("g")
            .addInput(input("c", DType.BOOL))
            .addInput(input("x", DType.FLOAT))
            // ONNX wants the node that a branch reads from first; the graph must learn that itself.
            .addNode(
                NodeProto.newBuilder()
                    .setOpType("If")
                    .addInput("c")
                    .addOutput("y")
                    .addAttribute(branch)
                    .addAttribute(branch("else_branch", "x")))
            .addNode(NodeProto.newBuilder().setOpType("Relu").addInput("x").addOutput("outer"))
            .addOutput(ValueInfoProto.newBuilder().setName("y"))
            .build();
    Path file = folder.resolve("if.onnx");
    OnnxFile.write(file, model(graph).build());
    Model model = OnnxReader.read(OnnxFile.read(file));

    assertThat(model.graph().nodes().getFirst().captures()).containsExactly("outer", "x");

    GraphProto written = OnnxFile.read(write(model, "copy.onnx")).model().getGraph();
    assertThat(written.getNodeList())
        .extracting(NodeProto::getOpType)
        .containsExactly("Relu", "If");
    assertThat(written.getNode(1).getAttributeList()).contains(branch);
  }

  @Test
  void functionsAreRefusedByName() {
    Path file = folder.resolve("function.onnx");
    OnnxFile.write(
        file,
        model(GraphProto.newBuilder().setName("g").build())
            .addFunctions(FunctionProto.newBuilder().setName("MyLayer"))
            .build());

    assertThatThrownBy(() -> OnnxReader.read(OnnxFile.read(file)))
        .isInstanceOf(GraphFailure.UnusableModel.class)
        .hasMessageContaining("MyLayer");
  }

  @Test
  void aGeneratorWithExternalDataIsRead() {
    Model model = OnnxReader.read(OnnxFile.read(Fixtures.smolLm()));

    assertThat(model.opsets()).containsKey("com.microsoft");
    assertThat(model.graph().nodes()).hasSizeGreaterThan(100);
  }

  private static AttributeProto branch(String name, String read) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.GRAPH)
        .setG(
            GraphProto.newBuilder()
                .setName(name)
                .addNode(NodeProto.newBuilder().setOpType("Neg").addInput(read).addOutput("made"))
                .addOutput(ValueInfoProto.newBuilder().setName("made")))
        .build();
  }

  private static ValueInfoProto input(String name, DType type) {
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(type.onnxCode())
                        .setShape(TensorShapeProto.newBuilder())))
        .build();
  }

  private static ModelProto.Builder model(GraphProto graph) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
        .setGraph(graph);
  }

  private static String text(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.ISO_8859_1);
  }

  @ParameterizedTest
  @MethodSource("exports")
  void onnxRuntimeKnowsTheTypeOfEveryValue(Path export) {
    Model model = TypeOf.annotate(OnnxReader.read(OnnxFile.read(export)));

    assertThat(model.graph().nodes())
        .isNotEmpty()
        .allSatisfy(
            node ->
                assertThat(node.outputs().stream().filter(output -> !output.isNone()))
                    .allMatch(output -> output.type().isPresent()));
  }

  @Test
  void aValueThatNothingMakesIsNamed() {
    Path file = folder.resolve("dangling.onnx");
    OnnxFile.write(
        file,
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(
                GraphProto.newBuilder()
                    .setName("g")
                    .addNode(
                        NodeProto.newBuilder()
                            .setOpType("Relu")
                            .setName("n")
                            .addInput("lost")
                            .addOutput("y")))
            .build());

    assertThatThrownBy(() -> OnnxReader.read(OnnxFile.read(file)))
        .isInstanceOf(GraphFailure.UnusableModel.class)
        .hasMessageContaining("lost");
  }

  private Path write(Model model, String name) {
    Path file = folder.resolve(name);
    try (ExternalDataWriter weights = new ExternalDataWriter(folder.resolve(name + ".data"))) {
      new OnnxWriter(weights).write(model, file);
    }
    return file;
  }

  private static Map<String, float[]> answer(Path model) {
    try (InferenceSession session = InferenceSession.open(model, AS_WRITTEN);
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      for (TensorPort input : session.inputs()) {
        long limit =
            input.name().equals("input_ids") ? 97 : input.name().equals("attention_mask") ? 1 : 2;
        long[] values =
            LongStream.range(0, 2 * 7).map(i -> limit == 1 ? 1 : i * 31 % limit).toArray();
        feeds.put(input.name(), scope.longs(values, 2, 7));
      }
      List<String> outputs = session.outputs().stream().map(TensorPort::name).toList();
      Map<String, float[]> answers = new HashMap<>();
      try (OutputTensors out = session.run(feeds, outputs)) {
        outputs.forEach(output -> answers.put(output, out.floats(output)));
      }
      return answers;
    }
  }
}
