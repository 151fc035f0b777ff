package dev.banyan.runtime.training;

import dev.banyan.artifacts.adapter.LayerScaling;
import dev.banyan.artifacts.adapter.LoraConfig;
import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.base.LayerFactors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Rank and alpha of each layer of a bundle. The graph has one rank for all: in training, layers of
 * a lower one are filled up with zeros, which stay zeros, as either factor's gradient there is a
 * product with the other's zeros. In the adapter's file each layer has its own rank. A layer is
 * scaled as all are unless a rule gives it an alpha; so where the rank is another, alpha is too.
 */
final class LayerRanks {
  private final AdapterPlan plan;
  private final Map<String, Integer> bySite = new LinkedHashMap<>();

  /**
   * Ranks by a plan.
   *
   * @param sites module paths of the layers
   * @throws IllegalArgumentException if a rule fits no layer
   */
  LayerRanks(AdapterPlan plan, List<String> sites) {
    this.plan = plan;
    plan.ranks().rules().forEach(rule -> requireFits("rank-pattern", rule.layers(), sites));
    plan.alphas().rules().forEach(rule -> requireFits("alpha-pattern", rule.layers(), sites));
    sites.forEach(site -> bySite.put(site, of(site)));
  }

  /**
   * Ranks by a plan for the layers of a bundle.
   *
   * @throws IllegalArgumentException if a rule fits no layer, or is of no use to the bundle's
   *     methods
   */
  static LayerRanks of(AdapterPlan plan, AdapterInfo adapter) {
    for (RankPattern.Rule rule : plan.ranks().rules()) {
      for (MethodName same : List.of(MethodName.MISS, MethodName.VERA)) {
        Require.that(
            adapter.method(same).isEmpty(),
            "rank-pattern",
            "'" + rule.layers() + "=" + rule.rank() + "'",
            "none for the method %s, which has one rank in all layers".formatted(same.text()));
      }
    }
    for (AlphaPattern.Rule rule : plan.alphas().rules()) {
      Require.that(
          adapter.methods().stream().anyMatch(LayerRanks::hasAlpha),
          "alpha-pattern",
          "'" + rule.layers() + "=" + rule.alpha() + "'",
          "none, as no method of this bundle (%s) has an alpha".formatted(adapter.targets()));
    }
    return new LayerRanks(plan, adapter.sites());
  }

  private static boolean hasAlpha(MethodInfo method) {
    return method.name().isScaled() && method.name().sizes().contains(Size.RANK);
  }

  private static void requireFits(String flag, String layers, List<String> sites) {
    Require.that(
        sites.stream().anyMatch(site -> LayerNames.fit(layers, site)),
        flag,
        "'" + layers + "'",
        "part of a layer's path, such as " + sites.stream().findFirst().orElse("none"));
  }

  private int of(String site) {
    return plan.ranks().rules().stream()
        .filter(rule -> rule.fits(site))
        .map(RankPattern.Rule::rank)
        .findFirst()
        .orElse(plan.rank());
  }

  private double alpha(String site, int rank) {
    double usual = rank == plan.rank() ? plan.alpha() : plan.scaling() * plan.divisor(rank);
    return plan.alphas().rules().stream()
        .filter(rule -> rule.fits(site))
        .map(AlphaPattern.Rule::alpha)
        .findFirst()
        .orElse(usual);
  }

  /** What products are multiplied by, by layer. */
  Map<String, Double> scalings() {
    List<String> sites = List.copyOf(bySite.keySet());
    List<Double> each = scalings(sites);
    Map<String, Double> scalings = new LinkedHashMap<>();
    for (int i = 0; i < sites.size(); i++) {
      scalings.put(sites.get(i), each.get(i));
    }
    return scalings;
  }

  /** What a method's product is multiplied by in each of its layers. */
  List<Double> scalings(List<String> sites) {
    List<Double> scalings = new ArrayList<>();
    for (String site : sites) {
      int rank = of(site);
      scalings.add(alpha(site, rank) / plan.divisor(rank));
    }
    return scalings;
  }

  /**
   * The factors of the base that a run starts from, by layer.
   *
   * @param adapter what is trained; most methods start from no such factors
   */
  Map<String, LayerFactors.Wanted> starts(AdapterInfo adapter) {
    Map<String, LayerFactors.Wanted> starts = new LinkedHashMap<>();
    for (MethodInfo method : adapter.methods()) {
      if (method.name() == MethodName.PISSA || method.name() == MethodName.OLORA) {
        List<Double> scalings = scalings(method.sites());
        for (int i = 0; i < scalings.size(); i++) {
          String site = method.sites().get(i);
          starts.put(site, new LayerFactors.Wanted(method.name(), of(site), scalings.get(i)));
        }
      }
    }
    return starts;
  }

  /** The highest rank, which the graph has. */
  int highest() {
    return bySite.values().stream().mapToInt(Integer::intValue).max().orElse(plan.rank());
  }

  private int of(ParameterSpec spec) {
    return bySite.getOrDefault(spec.site(), plan.rank());
  }

  private Sizes sizes(int rank, int labels) {
    return plan.sizes().with(Size.RANK, rank).with(Size.LABELS, labels);
  }

  /** Start values of all parameters, filled up to the highest rank. */
  List<Tensor> start(List<ParameterSpec> specs, ParameterInitializer initializer, int labels) {
    return specs.stream().map(spec -> start(spec, initializer, labels)).toList();
  }

  private Tensor start(ParameterSpec spec, ParameterInitializer initializer, int labels) {
    Shape shape = spec.shape(sizes(highest(), labels));
    if (!spec.ranks().has(of(spec))) {
      float[] zeros = new float[Math.toIntExact(shape.elements())];
      return Tensor.ofFloats(spec.name(), shape, zeros);
    }
    Sizes own = sizes(of(spec), labels);
    return initializer.tensors(List.of(spec), own).getFirst().resized(shape);
  }

  /** Parameters of a bundle as adapters of these ranks have them. */
  List<ParameterSpec> present(List<ParameterSpec> specs) {
    return specs.stream().map(spec -> spec.of(of(spec))).toList();
  }

  /** How many numbers are trained of parameters with these start values. */
  long elements(List<ParameterSpec> specs, List<Tensor> start) {
    Map<String, Tensor> byName = new LinkedHashMap<>();
    start.forEach(tensor -> byName.put(tensor.name(), tensor));
    long elements = 0;
    for (ParameterSpec spec : present(specs)) {
      Tensor tensor = byName.get(spec.name());
      if (spec.isTrained() && tensor != null) {
        elements +=
            SparseMasks.isDeltas(spec)
                ? SparseMasks.trained(spec, start)
                : own(spec, tensor).shape().elements();
      }
    }
    return elements;
  }

  /** A parameter with its layer's own rank. */
  Tensor own(ParameterSpec spec, Tensor parameter) {
    // Neither axis of LoRA's factors has labels, and no other parameter has a rank.
    return spec.dims().contains(ParameterSpec.RANK)
        ? parameter.resized(spec.shape(sizes(of(spec), 0)))
        : parameter;
  }

  /** Tells PEFT of the layers whose rank or alpha is another. */
  LoraConfig describe(LoraConfig config) {
    Map<String, Integer> ranks = new LinkedHashMap<>();
    Map<String, Double> alphas = new LinkedHashMap<>();
    bySite.forEach(
        (site, rank) -> {
          if (rank != plan.rank()) {
            ranks.put(site, rank);
          }
          double alpha = alpha(site, rank);
          if (alpha != plan.alpha()) {
            alphas.put(site, alpha);
          }
        });
    return ranks.isEmpty() && alphas.isEmpty() ? config : config.withPatterns(ranks, alphas);
  }

  /**
   * The same for a method of which PEFT knows no other scaling than alpha / rank: with rsLoRA's
   * scaling its alphas are larger.
   *
   * @param sites the method's layers
   */
  LayerScaling describe(List<String> sites) {
    Map<String, Integer> ranks = new LinkedHashMap<>();
    Map<String, Double> alphas = new LinkedHashMap<>();
    double usual = plan.alpha() * plan.rank() / plan.divisor(plan.rank());
    for (String site : sites) {
      int rank = of(site);
      double alpha = alpha(site, rank) * rank / plan.divisor(rank);
      if (rank != plan.rank()) {
        ranks.put(site, rank);
      }
      if (alpha != usual) {
        alphas.put(site, alpha);
      }
    }
    return new LayerScaling(plan.rank(), usual, ranks, alphas);
  }
}
