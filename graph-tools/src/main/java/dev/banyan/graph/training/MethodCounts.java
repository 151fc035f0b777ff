package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.KeptWeights;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.GraphFailure;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.adapter.BaseWeightChoice;
import dev.banyan.graph.adapter.MethodWeights;
import dev.banyan.graph.adapter.WeightMethod;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.lowering.LoweringRules;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** How many numbers an adapter of each method trains on a bundle's base, the head left out. */
public final class MethodCounts {
  private final Bundle bundle;
  private final Sizes sizes;

  /**
   * Counts over a bundle.
   *
   * @param rank of methods that have one
   */
  public MethodCounts(Bundle bundle, int rank) {
    this.bundle = bundle;
    this.sizes = Sizes.usual().with(Size.RANK, rank).with(Size.LABELS, 0);
  }

  /** Those of the methods that the bundle was prepared for, as it was. */
  public Map<MethodName, OptionalLong> prepared() {
    Map<MethodName, OptionalLong> counts = new EnumMap<>(MethodName.class);
    for (MethodInfo info : manifest().adapter().methods()) {
      List<ParameterSpec> own =
          manifest().parameters().stream()
              .filter(
                  spec ->
                      info.name().kind() == MethodName.Kind.WEIGHTS
                          ? info.weights().contains(spec.name())
                          : spec.method().filter(info.name()::equals).isPresent())
              .toList();
      counts.put(info.name(), OptionalLong.of(count(info.name(), own)));
    }
    return counts;
  }

  /**
   * Those of the other methods, over the layers that the bundle's own adapt and with the settings
   * that are usual; empty for a method that has no place in the base.
   *
   * @return nothing if the bundle is of a version without its base
   * @throws dev.banyan.runtime.RuntimeFailure if ONNX Runtime refuses the base
   */
  public Map<MethodName, OptionalLong> others() {
    Map<MethodName, OptionalLong> counts = new EnumMap<>(MethodName.class);
    if (!bundle.has(Bundle.BASE_MODEL)) {
      return counts;
    }
    OnnxFile base = OnnxFile.read(bundle.file(Bundle.BASE_MODEL));
    LoweringRules rules = LoweringRules.standard();
    boolean decoder = manifest().task() == Task.CAUSAL_LM;
    try (SourceModel source =
        decoder ? SourceModel.simplify(base) : SourceModel.simplify(base, rules)) {
      Model model =
          decoder
              ? source.decoder(rules).separated().model()
              : source.base(manifest().text().pooling()).model();
      // Layers may be taken apart for a method, after which weights are found elsewhere.
      Stream.of(MethodName.values())
          .filter(name -> manifest().adapter().method(name).isEmpty())
          .sorted(Comparator.comparing(name -> name.kind() == MethodName.Kind.LAYERS))
          .forEach(name -> counts.put(name, count(name, model)));
    }
    return counts;
  }

  private BundleManifest manifest() {
    return bundle.manifest();
  }

  private OptionalLong count(MethodName name, Model base) {
    if (name == MethodName.HEAD && manifest().task().head() == Task.Head.NONE) {
      return OptionalLong.empty();
    }
    try {
      MethodChoice choice =
          MethodChoice.parse(MethodChoice.usual(name), MethodChoice.layersOf(manifest()));
      BaseWeightChoice held =
          choice.method() instanceof WeightMethod method
              ? BaseWeightChoice.none().with(List.of(new MethodWeights(method, choice.modules())))
              : BaseWeightChoice.none();
      BundleRecipe recipe =
          new BundleRecipe(
              manifest().task(),
              manifest().text().pooling(),
              List.of(choice),
              held,
              EmbeddingInfo.pairs(),
              false);
      return OptionalLong.of(count(name, recipe.place(base).parameters()));
    } catch (GraphFailure _) {
      return OptionalLong.empty();
    }
  }

  private long count(MethodName name, Collection<ParameterSpec> specs) {
    return specs.stream()
        .map(spec -> spec.of(sizes.of(Size.RANK)))
        .filter(ParameterSpec::isTrained)
        .mapToLong(spec -> spec.shape(sizes).elements())
        .map(all -> name == MethodName.SPARSE ? KeptWeights.usual().of(all) : all)
        .sum();
  }
}
