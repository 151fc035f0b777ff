package dev.banyan.graph.io;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.runtime.ort.ModelProbe;
import dev.banyan.runtime.ort.SimplifySettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimplifyTest {
  private static final int WIDTH = 600;

  @TempDir Path folder;

  @Test
  void theResultIsWhatOnnxRuntimeMakesOfTheWholeModel() throws IOException {
    Path miniLm = Fixtures.miniLm(folder);
    Path whole = folder.resolve("whole.onnx");
    ModelProbe.simplify(miniLm, whole, SimplifySettings.defaults());
    Model expected = OnnxReader.read(OnnxFile.read(whole));
    Path work = Files.createDirectory(folder.resolve("work"));
    Model simplified = OnnxReader.read(Simplify.of(OnnxFile.read(miniLm), work));

    assertThat(operators(simplified)).isEqualTo(operators(expected));
    assertThat(simplified.graph().inputs().stream().map(Value::name))
        .isEqualTo(expected.graph().inputs().stream().map(Value::name).toList());
    Map<String, Tensor> weights = constants(simplified);
    constants(expected)
        .forEach(
            (name, tensor) ->
                assertThat(weights.get(name))
                    .as(name)
                    .satisfies(
                        seen -> {
                          assertThat(seen.shape()).isEqualTo(tensor.shape());
                          assertThat(seen.data().mismatch(tensor.data())).isEqualTo(-1);
                        }));
    // Of 87 MiB of weights those from 1 MiB on, 73 MiB, stay where they are; the others are there
    // twice, before and after.
    assertThat(bytes(work)).isLessThan(32L << 20);
  }

  @Test
  void aBigWeightThatIsTransposedFirstIsFolded() {
    Model model = new Model(new Graph("g"), Map.of("", 17), 8, Map.of());
    Value x = input(model.graph());
    GraphBuilder nodes = new GraphBuilder(model.graph(), "n");
    Value turned = nodes.op("Transpose", model.graph().addConstant(weight("w")));
    model.graph().addOutput(nodes.op("MatMul", x, turned));
    Model simplified = OnnxReader.read(Simplify.of(write(model), folder));
    assertThat(simplified.graph().nodes())
        .extracting(node -> node.op().type())
        .containsExactly("MatMul");
    assertThat(simplified.graph().nodes().getFirst().input(1).isConstant()).isTrue();
  }

  @Test
  void smallWeightsInADataFileAreFoundFromTheFolderOfTheResult() {
    Model model = new Model(new Graph("g"), Map.of("", 17), 8, Map.of());
    Value x = input(model.graph());
    GraphBuilder nodes = new GraphBuilder(model.graph(), "n");
    float[] bias = new float[WIDTH];
    bias[1] = 3;
    Value product = nodes.op("MatMul", x, model.graph().addConstant(weight("w")));
    model
        .graph()
        .addOutput(
            nodes.op(
                "Add",
                product,
                model.graph().addConstant(Tensor.ofFloats("b", Shape.of(WIDTH), bias))));
    OnnxFile source = write(model);
    Model simplified = OnnxReader.read(Simplify.of(source, folder));
    assertThat(constants(simplified)).containsOnlyKeys("w", "b");
    assertThat(simplified.graph().value("b").constant().orElseThrow().floats()).isEqualTo(bias);
    assertThat(simplified.graph().value("w").constant().orElseThrow().floats())
        .isEqualTo(weight("w").floats());
  }

  private OnnxFile write(Model model) {
    try {
      Path own = Files.createDirectory(folder.resolve("source"));
      try (ExternalDataWriter weights = new ExternalDataWriter(own.resolve("model.data"))) {
        new OnnxWriter(weights).write(model, own.resolve("model.onnx"));
      }
      return OnnxFile.read(own.resolve("model.onnx"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Value input(Graph graph) {
    return graph.addInput("x", TensorType.of(DType.FLOAT, Dim.of("rows"), Dim.of(WIDTH)));
  }

  private static Tensor weight(String name) {
    float[] values = new float[WIDTH * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 7;
    }
    return Tensor.ofFloats(name, Shape.of(WIDTH, WIDTH), values);
  }

  private static List<String> operators(Model model) {
    return model.graph().nodes().stream()
        .map((Node node) -> node.op() + " " + node.outputs() + " " + node.inputs())
        .sorted()
        .toList();
  }

  private static Map<String, Tensor> constants(Model model) {
    Map<String, Tensor> constants = new HashMap<>();
    model
        .graph()
        .constants()
        .forEach(value -> constants.put(value.name(), value.constant().orElseThrow()));
    return constants;
  }

  private static long bytes(Path work) throws IOException {
    try (Stream<Path> files = Files.list(work)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    }
  }
}
