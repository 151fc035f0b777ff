package dev.banyan.graph.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.Inspection;
import dev.banyan.graph.QuantizeReport;
import dev.banyan.graph.QuantizeReport.Answer;
import dev.banyan.graph.QuantizeReport.Answers;
import dev.banyan.graph.QuantizeReport.Layer;
import dev.banyan.graph.QuantizeReport.Left;
import dev.banyan.graph.QuantizeRequest;
import dev.banyan.graph.QuantizeRequest.Destination;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.lowering.Lower;
import dev.banyan.graph.lowering.LoweringRules;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.types.TypeOf;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class QuantizeModelTest {
  /** The layers of the small models are 16 numbers wide. */
  private static final int BLOCK = 16;

  @TempDir Path folder;

  static List<Path> models() throws IOException {
    return Stream.concat(
            Fixtures.exports().stream(),
            Fixtures.families().stream()
                .filter(name -> name.matches("(gpt2|llama|deberta|t5)_.*"))
                .map(Fixtures::family))
        .toList();
  }

  static Stream<Quantization> quantizations() {
    return Stream.of(
        new Quantization(Scheme.NF4, BLOCK, false, false),
        new Quantization(Scheme.NF4, BLOCK, false, true),
        new Quantization(Scheme.FP4, BLOCK, false, false),
        new Quantization(Scheme.INT4, BLOCK, false, false),
        new Quantization(Scheme.INT4, BLOCK, true, false),
        new Quantization(Scheme.INT8, BLOCK, false, false),
        new Quantization(Scheme.INT8, BLOCK, true, false));
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyLayerKeepsItsPathAndPlace(Path model) {
    for (Scheme scheme : List.of(Scheme.NF4, Scheme.INT4)) {
      Path out = folder.resolve(scheme + ".onnx");
      QuantizeReport report =
          quantize(model, new Quantization(scheme, BLOCK, false, false), everything(), out);
      assertThat(report.layers()).isNotEmpty();
      assertThat(GraphTools.inspect(out).layers())
          .extracting(Inspection.Layer::path, Inspection.Layer::in, Inspection.Layer::out)
          .isEqualTo(
              GraphTools.inspect(model).layers().stream()
                  .map(layer -> tuple(layer.path(), layer.in(), layer.out()))
                  .toList());
    }
  }

  @ParameterizedTest
  @MethodSource("quantizations")
  void answersAreThoseOfTheNumbersThatAreStored(Quantization quantization) {
    for (String name : List.of("bert_opset17", "bert_dynamo18")) {
      Path out = folder.resolve(name + ".onnx");
      QuantizeReport report = quantize(Fixtures.export(name), quantization, everything(), out);
      Answers same = new OutputCheck(OnnxFile.read(out)).compare(dequantized(out), out);
      assertThat(same.outputs()).isNotEmpty();
      for (Answer answer : same.outputs()) {
        // Float32 sums in another order.
        assertThat(answer.relative()).as(name).isLessThan(1e-5);
      }
      double most = quantization.scheme() == Scheme.INT8 ? 0.02 : 0.4;
      assertThat(report.answers().outputs())
          .allSatisfy(answer -> assertThat(answer.relative()).isBetween(1e-5, most));
    }
  }

  /** The same numbers in floats. */
  private Path dequantized(Path quantized) {
    Model model = OnnxReader.read(OnnxFile.read(quantized));
    Model floats =
        Lower.all(
            TypeOf.annotate(model), LoweringRules.standard().plus(LoweringRules.dequantize()));
    assertThat(floats.graph().nodes()).noneMatch(node -> node.op().type().contains("Bnb4"));
    assertThat(floats.graph().nodes()).noneMatch(node -> node.op().type().contains("NBits"));
    Path file = folder.resolve("floats-" + quantized.getFileName());
    OnnxWriter.selfContained().write(floats, file);
    return file;
  }

  @Test
  void aGemmKeepsItsBiasAndATransposedWeightItsMeaning() {
    Path model = at("gemm.onnx");
    OnnxWriter.selfContained().write(gemm(), model);
    QuantizeReport report =
        quantize(
            model,
            new Quantization(Scheme.INT8, BLOCK, false, false),
            LayerChoice.usual(),
            at("a.onnx"));
    assertThat(paths(report)).containsExactly("encoder.dense");
    assertThat(report.layers().getFirst().shape()).containsExactly(24L, 16L);
    assertThat(report.answers().outputs().getFirst().relative()).isBetween(1e-5, 0.01);
    Graph graph = OnnxReader.read(OnnxFile.read(at("a.onnx"))).graph();
    assertThat(graph.nodes().stream().map(node -> node.op().type()))
        .containsExactly("Gather", "Reshape", "MatMulNBits", "Add");
    assertThat(SiteDiscovery.of(Fixtures.simplified(at("a.onnx"), folder)))
        .extracting(Site::path, site -> site.bias().orElseThrow().name())
        .containsExactly(tuple("encoder.dense", "encoder.dense.bias"));
  }

  /** A layer as fully connected ones are exported, of a module that its parameters tell. */
  private static Model gemm() {
    Graph graph = new Graph("gemm");
    Value ids =
        graph.addInput(
            "input_ids", TensorType.of(DType.INT64, Dim.of("batch"), Dim.of("sequence")));
    Value table = graph.addConstant(random("table", 40, 16));
    Value weight = graph.addConstant(random("encoder.dense.weight", 24, 16));
    Value bias = graph.addConstant(random("encoder.dense.bias", 24));
    GraphBuilder b = new GraphBuilder(graph, "node");
    Value rows = b.op("Reshape", b.op("Gather", table, ids), b.longs(-1, 16));
    graph.addNode(
        OpId.onnx("Gemm"),
        "",
        List.of(rows, weight, bias),
        List.of("y"),
        Map.of("transB", Attribute.of(1L)));
    graph.addOutput(
        graph.value("y").withType(TensorType.of(DType.FLOAT, Dim.of("rows"), Dim.of(24))));
    return new Model(graph, Map.of("", 17), 8, Map.of());
  }

  private static Tensor random(String name, long... dims) {
    SplittableRandom random = new SplittableRandom(3);
    float[] values = new float[(int) Shape.of(dims).elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(name, Shape.of(dims), values);
  }

  @Test
  void aWeightThatIsNotFiniteIsRefused() {
    Model model = gemm();
    model
        .graph()
        .value("encoder.dense.weight")
        .constant()
        .orElseThrow()
        .data()
        .set(ValueLayout.JAVA_FLOAT_UNALIGNED, 40, Float.NaN);
    Path file = at("broken.onnx");
    OnnxWriter.selfContained().write(model, file);
    assertThatThrownBy(() -> quantize(file, int4(), LayerChoice.usual(), at("a.onnx")))
        .isInstanceOf(UnusableModel.class)
        .hasMessageContainingAll("encoder.dense", "not finite");
  }

  @Test
  void theHeadIsLeftUnlessItIsAskedFor() {
    Path model = Fixtures.family("llama_dynamo18");
    QuantizeReport usual = quantize(model, int4(), LayerChoice.usual(), at("a.onnx"));
    assertThat(usual.left())
        .contains(new Left("lm_head", "it is the output head; --include-head takes it too"));
    assertThat(paths(usual)).doesNotContain("lm_head");
    QuantizeReport whole = quantize(model, int4(), everything(), at("b.onnx"));
    assertThat(paths(whole)).contains("lm_head", "model.embed_tokens");
    assertThat(whole.size().after()).isLessThan(usual.size().after());
    assertThat(whole.answers().outputs().getFirst().sameChoice()).isPresent();
  }

  @Test
  void whatIsExcludedIsLeftAndTakenTheNextTime() {
    Path half = at("half.onnx");
    LayerChoice choice = new LayerChoice(false, false, Optional.of("query,key"));
    QuantizeReport first = quantize(Fixtures.export("bert_opset17"), int4(), choice, half);
    assertThat(first.left())
        .contains(new Left("encoder.layer.0.attention.self.query", "--exclude names it"));

    Quantization nf4 = new Quantization(Scheme.NF4, BLOCK, false, false);
    QuantizeReport second = quantize(half, nf4, LayerChoice.usual(), at("whole.onnx"));
    assertThat(paths(second)).hasSize(4).allMatch(path -> path.matches(".*(query|key)"));
    assertThat(second.left())
        .contains(
            new Left("encoder.layer.0.attention.self.value", "its weight is quantized already"));

    assertThatThrownBy(() -> quantize(at("whole.onnx"), nf4, LayerChoice.usual(), at("c.onnx")))
        .isInstanceOf(UnusableModel.class)
        .hasMessageContainingAll("whole.onnx has no weight of floats", "quantized already");
    assertThat(folder).isDirectoryNotContaining(file -> file.toString().contains(".new-"));
    assertThat(at("c.onnx")).doesNotExist();
  }

  @Test
  void aLayerThatIsNotThereCannotBeExcluded() {
    assertThatThrownBy(
            () ->
                quantize(
                    Fixtures.export("bert_opset17"),
                    int4(),
                    new LayerChoice(false, false, Optional.of("querry")),
                    at("a.onnx")))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContainingAll("querry", "query");
  }

  @Test
  void weightsThatLayBesideTheModelStayBesideIt() {
    Model model = OnnxReader.read(OnnxFile.read(Fixtures.export("bert_opset17")));
    Path source = at("model.onnx");
    try (ExternalDataWriter weights = new ExternalDataWriter(at("model.onnx.data"))) {
      new OnnxWriter(weights).write(model, source);
    }
    QuantizeReport report = quantize(source, int4(), LayerChoice.usual(), at("a.onnx"));
    assertThat(report.files()).containsExactly(at("a.onnx"), at("a.onnx.data"));
    assertThat(report.size().after()).isLessThan(report.size().before());
  }

  @Test
  void doublyQuantizedMagnitudesAreSmallerAndNearlyTheSame() {
    QuantizeReport once =
        quantize(Fixtures.export("bert_opset17"), nf4(false), LayerChoice.usual(), at("a.onnx"));
    QuantizeReport twice =
        quantize(Fixtures.export("bert_opset17"), nf4(true), LayerChoice.usual(), at("b.onnx"));
    for (int i = 0; i < once.layers().size(); i++) {
      Layer one = once.layers().get(i);
      Layer two = twice.layers().get(i);
      assertThat(two.size().after()).isLessThan(one.size().after());
      assertThat(two.error().mean())
          .isBetween(one.error().mean() * 0.98, one.error().mean() * 1.02);
    }
  }

  @Test
  void aBlockThatNoOperatorTakesIsRefused() {
    assertThatThrownBy(() -> new Quantization(Scheme.INT4, 48, false, false))
        .hasMessageContaining("expected a power of two from 16 to 256");
    assertThatThrownBy(() -> new Quantization(Scheme.NF4, 64, true, false))
        .hasMessageContaining("nf4 has no zero points");
    assertThatThrownBy(() -> new Quantization(Scheme.INT8, 32, false, true))
        .hasMessageContaining("double quantization is for nf4 and fp4");
  }

  private Path at(String name) {
    return folder.resolve(name);
  }

  private static Quantization int4() {
    return new Quantization(Scheme.INT4, BLOCK, false, false);
  }

  private static Quantization nf4(boolean doubleQuantized) {
    return new Quantization(Scheme.NF4, BLOCK, false, doubleQuantized);
  }

  private static LayerChoice everything() {
    return new LayerChoice(true, true, Optional.empty());
  }

  private static List<String> paths(QuantizeReport report) {
    return report.layers().stream().map(Layer::path).toList();
  }

  private static QuantizeReport quantize(
      Path model, Quantization quantization, LayerChoice layers, Path out) {
    return GraphTools.quantize(
        new QuantizeRequest(model, quantization, layers, new Destination(out, false)));
  }
}
