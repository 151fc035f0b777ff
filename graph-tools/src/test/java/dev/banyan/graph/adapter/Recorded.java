package dev.banyan.graph.adapter;

import dev.banyan.artifacts.adapter.AdapterConfig;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.training.AdamW;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * An adapter on the tiny BERT that PEFT wrote, and what it computed with it.
 *
 * @param fixture its folder
 * @param mergeable whether it can become part of its layers
 * @param methods how a bundle is prepared for it
 */
record Recorded(String fixture, boolean mergeable, List<String> methods) {
  static final int LABELS = 3;

  /** A multiple of all ranks that are recorded: what is repeated is so a whole number of times. */
  static final ServingPlan ROOM = new ServingPlan(64, 60, 64, SessionSettings.defaults());

  private static final double LORA_PLUS_RATIO = 4;

  Recorded(String fixture, boolean mergeable, String... methods) {
    this(fixture, mergeable, List.of(methods));
  }

  /** A bundle of its base for its methods. */
  Bundle prepare(Emission emission, Path out) {
    List<MethodChoice> choices =
        methods.stream().map(text -> MethodChoice.parse(text, SiteChoice.of(""))).toList();
    return GraphTools.prepare(
            new PrepareRequest(
                    Fixtures.peftBase("bert"),
                    Fixtures.peftBase("bert").resolveSibling("tokenizer.json"),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("head-only"),
                    Pooling.POOLER,
                    emission,
                    OptionalInt.empty(),
                    out)
                .withMethods(choices))
        .bundle();
  }

  PeftAdapter adapter() {
    return PeftAdapter.read(Fixtures.peftMethod(fixture));
  }

  AdapterWeights weights(Bundle bundle) {
    return AdapterWeights.fit(adapter(), bundle, ROOM);
  }

  /** How PEFT trained it. */
  AdamW adamW() {
    return fixture.equals("lora_plus") ? new AdamW(0.01, 1, LORA_PLUS_RATIO) : AdamW.defaults();
  }

  RecordedTexts texts() {
    return RecordedTexts.of(expected());
  }

  /** The inputs of the loss but for those of the methods. */
  Map<String, Tensor> batch() {
    Map<String, Tensor> feeds = new LinkedHashMap<>(texts().texts());
    feeds.put("labels", tensor("labels"));
    feeds.put("label_smoothing", Tensor.ofFloats("label_smoothing", Shape.SCALAR, 0f));
    feeds.put("class_weights", Tensor.ofFloats("class_weights", Shape.of(LABELS), 1, 1, 1));
    return feeds;
  }

  /** The scaling of each layer. */
  Map<String, Double> bySite(Bundle bundle) {
    Map<String, Double> scalings = new LinkedHashMap<>();
    for (MethodInfo method : bundle.manifest().adapter().methods()) {
      for (String site : method.sites()) {
        scalings.put(site, adapter().config().scaling(method.name(), site));
      }
    }
    return scalings;
  }

  /** The scalings that the methods of a bundle take. */
  Map<String, Tensor> scalings(Bundle bundle) {
    AdapterConfig config = adapter().config();
    Map<String, Tensor> scalings = new LinkedHashMap<>();
    for (MethodInfo method : bundle.manifest().adapter().methods()) {
      float[] values = new float[method.sites().size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) config.scaling(method.name(), method.sites().get(i));
      }
      String name = method.name().scalingInput();
      if (method.name().isScaled()) {
        scalings.put(name, Tensor.ofFloats(name, Shape.of(values.length), values));
      }
    }
    return scalings;
  }

  /** The values in the file, without any scaling; of layers that it leaves alone the base's. */
  List<Tensor> start(Bundle bundle) {
    BaseValues base = BaseValues.of(bundle);
    SafetensorsFile file = adapter().widened().weights();
    Sizes sizes = sizes(bundle);
    AdapterWeights weights = weights(bundle);
    return bundle.manifest().parameters().stream()
        .map(
            spec ->
                byKey(file, "", spec)
                    .or(() -> byKey(expected(), "initial/", spec))
                    .or(
                        () ->
                            Optional.ofNullable(
                                spec.isShared() ? weights.tensors().get(spec.name()) : null))
                    .map(tensor -> spec.repeats() ? weights.tensors().get(spec.name()) : tensor)
                    .map(tensor -> whole(tensor, spec, sizes))
                    .orElseGet(() -> base.neutral(spec, sizes))
                    .named(spec.name()))
        .toList();
  }

  /** The largest sizes that training graphs have of it: a server may need none of a rank. */
  Sizes sizes(Bundle bundle) {
    Sizes served = weights(bundle).sizes();
    int rank = adapter().config().size(Size.RANK, "").orElse(1);
    // What it counts from takes room in a server alone.
    boolean counts = adapter().config() instanceof LoraConfig lora && lora.start().isPresent();
    return served.with(Size.RANK, counts ? rank : Math.max(rank, served.of(Size.RANK)));
  }

  /** The parameters of a bundle as it has them. */
  List<ParameterSpec> present(Bundle bundle) {
    AdapterConfig config = adapter().config();
    return bundle.manifest().parameters().stream()
        .map(spec -> spec.of(config.size(Size.RANK, spec.site()).orElse(1)))
        .toList();
  }

  /** What was recorded for a parameter, such as its gradient, as the graph has it. */
  Optional<Tensor> expected(String kind, ParameterSpec spec, Sizes sizes) {
    return byKey(expected(), kind, spec).map(tensor -> whole(tensor, spec, sizes));
  }

  /** Where a layer's rank is lower than the graph's, the rest is zero and has no gradient. */
  private static Tensor whole(Tensor own, ParameterSpec spec, Sizes sizes) {
    if (spec.layout() == Layout.FLAT) {
      return new Tensor(own.name(), own.type(), spec.shape(sizes), own.data());
    }
    return !spec.repeats() && spec.dims().contains(ParameterSpec.RANK)
        ? own.resized(spec.shape(sizes))
        : own;
  }

  private static Optional<Tensor> byKey(SafetensorsFile file, String prefix, ParameterSpec spec) {
    return file.tensors().entrySet().stream()
        .filter(entry -> spec.isSaved() || prefix.equals("initial/"))
        .filter(entry -> entry.getKey().matches(prefix + "(.+\\.)?" + Pattern.quote(key(spec))))
        .findFirst()
        .map(entry -> layout(spec).toGraph(entry.getValue()));
  }

  private static Layout layout(ParameterSpec spec) {
    return spec.role() == Role.START ? Layout.TRANSPOSED : spec.layout();
  }

  /** What a factor counts from has its key in the recording of the start. */
  private static String key(ParameterSpec spec) {
    return spec.role() == Role.START
        ? spec.name().substring(0, spec.name().length() - 1) + ".weight"
        : spec.peftKey();
  }

  static ParameterSpec spec(Bundle bundle, String name) {
    return bundle.manifest().parameters().stream()
        .filter(spec -> spec.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  Tensor tensor(String name) {
    return Objects.requireNonNull(expected().tensors().get(name), name);
  }

  private SafetensorsFile expected() {
    return SafetensorsFile.read(Fixtures.peftMethod(fixture).resolve("expected.safetensors"));
  }

  @Override
  public String toString() {
    return fixture;
  }
}
