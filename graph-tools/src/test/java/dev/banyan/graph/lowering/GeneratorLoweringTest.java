package dev.banyan.graph.lowering;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.adapter.InsertAdapters;
import dev.banyan.graph.adapter.Lora;
import dev.banyan.graph.autodiff.Differentiate;
import dev.banyan.graph.autodiff.GradientRules;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.types.TypeOf;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An int4 decoder as ONNX Runtime GenAI's builder wrote it. */
class GeneratorLoweringTest {
  private static final long[] PROMPT = {504, 3575, 282, 4649, 314, 260, 1517, 281, 253, 2986};
  private static final long RANK = 4;

  /** Float32 through 30 layers, added in another order; logits reach about 20. */
  private static final float SAME_WEIGHTS = 2e-3f;

  @TempDir Path folder;

  @Test
  void layersOfADecoderAreSites() {
    Model model = decoder();

    List<Site> sites = SiteDiscovery.of(lowered(model, LoweringRules.standard()));

    assertThat(sites).hasSize(30 * 5 + 1);
    assertThat(sites)
        .extracting(Site::path)
        .contains("model.layers.0.attn.qkv_proj", "model.layers.29.mlp.down_proj", "lm_head");
    assertThat(sites.getFirst().inFeatures()).isEqualTo(576);
    assertThat(sites.getFirst().outFeatures()).isEqualTo(960);
  }

  @Test
  void loweredDecoderGivesTheLogitsOfTheOriginal() {
    float[] original = logits(exact(Fixtures.simplified(Fixtures.smolLm(), folder)));
    float[] kept = logits(lowered(decoder(), LoweringRules.standard()));
    float[] dequantized =
        logits(lowered(decoder(), LoweringRules.standard().plus(LoweringRules.dequantize())));

    assertThat(furthest(original, kept)).isLessThan(SAME_WEIGHTS);
    assertThat(furthest(original, dequantized)).isLessThan(SAME_WEIGHTS);
  }

  @Test
  void quantizedWeightsGiveTheLossAndTheGradientOfTheirFloatValues() {
    Map<String, float[]> kept = step(lowered(decoder(), LoweringRules.standard()));
    Map<String, float[]> floats =
        step(lowered(decoder(), LoweringRules.standard().plus(LoweringRules.dequantize())));

    assertThat(kept.keySet()).isEqualTo(floats.keySet()).hasSize(2 * 151 + 1);
    assertThat(furthest(kept, floats, "loss")).isLessThan(1e-4f);
    for (String name : kept.keySet()) {
      float greatest = 0;
      for (float value : floats.getOrDefault(name, new float[0])) {
        greatest = Math.max(greatest, Math.abs(value));
      }
      assertThat(greatest).as(name).isPositive();
      // Float32 forward and backward through up to 30 layers.
      assertThat(furthest(kept, floats, name) / greatest).as(name).isLessThan(1e-3f);
    }
  }

  private Model decoder() {
    Model model = Fixtures.simplified(Fixtures.smolLm(), folder);
    DropPast.from(model.graph());
    return TypeOf.annotate(model);
  }

  private static Model lowered(Model model, LoweringRules rules) {
    return SpeakOpset.old(Lower.all(model, rules));
  }

  /** The fused model, with activations that are not rounded to 8 bits. */
  private static Model exact(Model model) {
    for (var node : model.graph().nodes()) {
      if (node.op().type().equals("MatMulNBits")) {
        node.setAttribute("accuracy_level", Attribute.of(0L));
      }
    }
    return model;
  }

  private float[] logits(Model model) {
    try (InferenceSession session = open(model);
        TensorScope scope = new TensorScope();
        Arena arena = Arena.ofConfined();
        OutputTensors out = session.run(feeds(session, scope, arena), List.of("logits"))) {
      return out.floats("logits");
    }
  }

  /**
   * Adapters at every layer, the loss of saying the same token again, and the gradient of each
   * parameter.
   */
  private Map<String, float[]> step(Model model) {
    Graph graph = model.graph();
    GraphBuilder b = new GraphBuilder(graph, "test");
    Value scaling = graph.addConstant(Tensor.ofFloats("scaling", Shape.SCALAR, 0.5f));
    List<Value> parameters =
        new InsertAdapters(graph, new Lora()).forTraining(SiteDiscovery.of(model), scaling);
    for (Value parameter : parameters) {
      Shape shape = shape(parameter.knownType());
      parameter.withType(TensorType.of(DType.FLOAT, shape));
    }
    Value flat = b.op("Reshape", graph.value("logits"), b.longs(-1, 49152));
    Value labels = b.op("Reshape", graph.value("input_ids"), b.longs(-1));
    Value loss = b.op("SoftmaxCrossEntropyLoss", flat, labels);
    graph.rename(loss, "loss");
    graph.setOutputs(List.of(loss));
    TypeOf.annotate(model);
    Map<Value, Value> gradients = Differentiate.of(model, loss, parameters, GradientRules.forOrt());
    gradients.values().forEach(graph::addOutput);
    List<String> names = graph.outputs().stream().map(Value::name).toList();
    try (InferenceSession session = open(model);
        TensorScope scope = new TensorScope();
        Arena arena = Arena.ofConfined();
        OutputTensors out = session.run(feeds(session, scope, arena), names)) {
      Map<String, float[]> values = new LinkedHashMap<>();
      names.forEach(name -> values.put(name, out.floats(name)));
      return values;
    }
  }

  private static Shape shape(TensorType type) {
    List<Long> sizes = new ArrayList<>();
    type.dims().forEach(dim -> sizes.add(dim instanceof Dim.Known(long size) ? size : RANK));
    return new Shape(sizes);
  }

  private InferenceSession open(Model model) {
    Path file = folder.resolve("model.onnx");
    Path data = folder.resolve("model.onnx.weights");
    data.toFile().delete();
    try (var weights = new ExternalDataWriter(data)) {
      new OnnxWriter(weights).write(model, file);
    }
    return InferenceSession.open(file, SessionSettings.defaults().withThreads(2));
  }

  /** The prompt, no past, and small random parameters. */
  private static Map<String, NativeTensor> feeds(
      InferenceSession session, TensorScope scope, Arena arena) {
    Map<String, NativeTensor> feeds = new LinkedHashMap<>();
    Random random = new Random(3);
    session
        .inputs()
        .forEach(
            port ->
                feeds.put(
                    port.name(),
                    switch (port.name()) {
                      case "input_ids" -> scope.longs(PROMPT, 1, PROMPT.length);
                      case "attention_mask" -> scope.longs(ones(), 1, PROMPT.length);
                      default ->
                          port.name().startsWith("past")
                              ? scope.view(arena.allocate(0), DType.FLOAT, Shape.of(1, 3, 0, 64))
                              : small(scope, random, port.dims());
                    }));
    return feeds;
  }

  private static NativeTensor small(TensorScope scope, Random random, List<Long> dims) {
    float[] values = new float[Math.toIntExact(dims.get(0) * dims.get(1))];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.02 * random.nextGaussian());
    }
    return scope.floats(values, dims.get(0), dims.get(1));
  }

  private static long[] ones() {
    long[] mask = new long[PROMPT.length];
    Arrays.fill(mask, 1);
    return mask;
  }

  private static float furthest(Map<String, float[]> a, Map<String, float[]> b, String name) {
    return furthest(a.getOrDefault(name, new float[0]), b.getOrDefault(name, new float[0]));
  }

  private static float furthest(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b).isNotEmpty();
    float furthest = 0;
    for (int i = 0; i < a.length; i++) {
      float apart = Math.abs(a[i] - b[i]);
      furthest = Float.isNaN(apart) ? Float.POSITIVE_INFINITY : Math.max(furthest, apart);
    }
    return furthest;
  }
}
