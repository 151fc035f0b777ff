package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.ParityErrors;
import dev.banyan.graph.adapter.MergeableMethod.Layer;
import dev.banyan.graph.autodiff.Differentiate;
import dev.banyan.graph.autodiff.GradientRules;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteDiscovery;
import dev.banyan.graph.site.TargetSelector;
import dev.banyan.graph.types.TypeOf;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Convolutions of 3x3 and 1x1 of a ResNet, against an adapter that PEFT wrote. */
class PeftConvolutionsTest {
  private static final String TARGETS =
      "stages.1.layers.0.shortcut.convolution,"
          + "stages.1.layers.0.layer.0.convolution,stages.1.layers.0.layer.1.convolution";

  /** Two programs sum in other orders; the logits are of about 1. */
  private static final float TOLERANCE = 1e-4f;

  private static final Lora LORA = new Lora();
  private static final Path FOLDER = Fixtures.peftMethod("conv_lora");

  @TempDir Path folder;

  private final PeftAdapter adapter = PeftAdapter.read(FOLDER);
  private final SafetensorsFile expected =
      SafetensorsFile.read(FOLDER.resolve("expected.safetensors"));

  @Test
  void answersLossAndGradientsAreTheSame() {
    Model model = model();
    Graph graph = model.graph();
    List<Site> sites = sites(model);
    Value scaling = graph.addInput("scaling", TensorType.of(DType.FLOAT, Dim.of(sites.size())));
    List<ParameterSpec> specs = specs(sites);
    List<Value> parameters = new InsertAdapters(graph, LORA).forTraining(sites, scaling);
    Value logits = graph.outputs().getFirst();
    Dim batch = graph.inputs().getFirst().knownType().dim(0);
    Value labels = graph.addInput("labels", TensorType.of(DType.INT64, batch));
    Value loss = new GraphBuilder(graph, "loss").op("SoftmaxCrossEntropyLoss", logits, labels);
    graph.rename(loss, "loss");
    TypeOf.annotate(model);
    graph.setOutputs(List.of(loss));
    List<Value> outputs = new ArrayList<>(List.of(loss, logits));
    outputs.addAll(Differentiate.of(model, loss, parameters, GradientRules.forOrt()).values());
    graph.setOutputs(outputs);

    Map<String, Tensor> feeds = feeds();
    feeds.put("labels", tensor("labels"));
    feeds.put("scaling", scalings(sites));
    specs.forEach(spec -> feeds.put(spec.name(), own(spec)));
    Map<String, float[]> out = GraphRun.of(model, folder.resolve("train.onnx"), feeds);
    assertThat(out.get(logits.name()))
        .containsExactly(tensor("logits").floats(), within(TOLERANCE));
    assertThat(out.get("loss")).containsExactly(tensor("loss").floats(), within(1e-5f));
    for (ParameterSpec spec : specs) {
      float[] gradient = Objects.requireNonNull(out.get(spec.name() + "_grad"));
      float[] wanted = ofKey(expected, "gradients/", spec).floats();
      assertThat(ParityErrors.distance(gradient, wanted)).as(spec.name()).isLessThan(1e-4);
    }
  }

  @Test
  void answersAreTheSameBesideTheBaseItself() {
    float[] bare = answers(model(), feeds(), "bare.onnx");
    Model model = model();
    List<Site> sites = sites(model);
    Value ids = model.graph().addInput("ids", TensorType.of(DType.INT64, Dim.of("batch")));
    new InsertAdapters(model.graph(), LORA).forServing(sites, ids);
    Map<String, Tensor> feeds = feeds();
    feeds.put("ids", Tensor.ofLongs("ids", Shape.of(3), 1, 0, 1));
    specs(sites).forEach(spec -> feeds.put(spec.bankName(), bank(spec)));
    float[] wanted = tensor("logits").floats();
    int each = wanted.length / 3;
    System.arraycopy(bare, each, wanted, each, each);
    assertThat(answers(model, feeds, "serve.onnx")).containsExactly(wanted, within(TOLERANCE));
  }

  @Test
  void mergedModelAnswersTheSame() {
    Model model = model();
    for (Site site : sites(model)) {
      Tensor weight = site.weight().constant().orElseThrow();
      Layer layer = new Layer(site.path(), site.node(), new LayerWeights(weight, Optional.empty()));
      List<Tensor> folded = LORA.parameters(site).stream().map(this::folded).toList();
      Tensor merged = LORA.merge(layer, folded, Arena.ofAuto()).weight();
      site.node().replaceInput(1, model.graph().addConstant(merged.named(site.path() + "/merged")));
    }
    assertThat(answers(model, feeds(), "merged.onnx"))
        .containsExactly(tensor("merged_logits").floats(), within(TOLERANCE));
  }

  private Model model() {
    return TypeOf.annotate(Fixtures.simplified(Fixtures.family("resnet_opset17"), folder));
  }

  private static List<Site> sites(Model model) {
    List<Site> sites = new TargetSelector(TARGETS).select(SiteDiscovery.inspect(model));
    assertThat(sites).hasSize(3);
    return sites;
  }

  private static List<ParameterSpec> specs(List<Site> sites) {
    return sites.stream().flatMap(site -> LORA.parameters(site).stream()).toList();
  }

  private Map<String, Tensor> feeds() {
    return new HashMap<>(Map.of("pixel_values", tensor("inputs/pixel_values")));
  }

  private float[] answers(Model model, Map<String, Tensor> feeds, String file) {
    return GraphRun.of(model, folder.resolve(file), feeds).values().iterator().next();
  }

  private Tensor own(ParameterSpec spec) {
    return ofKey(adapter.weights(), "", spec).named(spec.name());
  }

  private static Tensor ofKey(SafetensorsFile file, String kind, ParameterSpec spec) {
    return file.tensors().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(kind))
        .filter(entry -> entry.getKey().endsWith("." + spec.peftKey()))
        .findFirst()
        .orElseThrow()
        .getValue();
  }

  private Tensor folded(ParameterSpec spec) {
    Tensor own = own(spec);
    float[] values = own.floats();
    double scaling = adapter.config().scaling(MethodName.LORA, spec.site());
    for (int i = 0; i < values.length; i++) {
      values[i] *= spec.scaled() ? (float) scaling : 1;
    }
    return Tensor.ofFloats(spec.name(), own.shape(), values);
  }

  /** The bare base, and the adapter. */
  private Tensor bank(ParameterSpec spec) {
    float[] values = folded(spec).floats();
    float[] both = new float[2 * values.length];
    System.arraycopy(values, 0, both, values.length, values.length);
    List<Long> dims = new ArrayList<>(List.of(2L));
    dims.addAll(own(spec).shape().dims());
    return Tensor.ofFloats(spec.bankName(), new Shape(dims), both);
  }

  private Tensor scalings(List<Site> sites) {
    float[] values = new float[sites.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) adapter.config().scaling(MethodName.LORA, sites.get(i).path());
    }
    return Tensor.ofFloats("scaling", Shape.of(values.length), values);
  }

  private Tensor tensor(String name) {
    return Objects.requireNonNull(expected.tensors().get(name), name);
  }
}
