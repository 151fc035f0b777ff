package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a training graph takes for its adapters beside their parameters: the scaling of each layer
 * and, where it was prepared for dropout, masks.
 *
 * @param scalings by the graph's input, {@code <method>_scaling}
 * @param dropout what draws the masks
 * @param switchable whether scalings of zero leave the bare base
 */
record SiteInputs(Map<String, Scaling> scalings, LoraDropout dropout, boolean switchable) {
  private static final String SCALING = "_scaling";

  /** Copies the map. */
  SiteInputs {
    scalings = Map.copyOf(scalings);
  }

  /**
   * One input.
   *
   * @param values its elements
   * @param dims its dimensions
   * @param whole indices of the elements whose sites read everything, whatever others drop
   */
  record Scaling(List<Double> values, List<Long> dims, Set<Integer> whole) {
    /** Copies the collections. */
    Scaling {
      values = List.copyOf(values);
      dims = List.copyOf(dims);
      whole = Set.copyOf(whole);
    }

    Scaling with(Set<Integer> sites) {
      return new Scaling(values, dims, sites);
    }

    Scaling off() {
      return new Scaling(Collections.nCopies(values.size(), 0.0), dims, whole);
    }

    /** The input, where the factor makes up for what sites drop. */
    NativeTensor tensor(TensorScope scope, double factor) {
      float[] elements = new float[values.size()];
      for (int i = 0; i < elements.length; i++) {
        elements[i] = (float) (values.get(i) * (whole.contains(i) ? 1 : factor));
      }
      return scope.floats(elements, dims.stream().mapToLong(Long::longValue).toArray());
    }
  }

  /**
   * The inputs of a run.
   *
   * @throws TrainingFailure.NoSuchInput if the plan asks for what the graph does not have
   */
  static SiteInputs of(
      GraphInputs graph, AdapterInfo adapter, TrainingPlan plan, LayerRanks layers) {
    Map<String, Scaling> scalings = new LinkedHashMap<>();
    List<LoraDropout.Mask> masks = new ArrayList<>();
    graph
        .dims()
        .forEach(
            (name, sizes) -> {
              if (name.endsWith(SCALING)) {
                Optional<MethodInfo> method = method(adapter, name);
                Scaling scaling = scaling(scalings(method, layers), plan, sizes);
                scalings.put(name, scaling.with(undropped(method, graph.dims().keySet())));
              } else if (name.endsWith(LoraDropout.SUFFIX)) {
                masks.add(new LoraDropout.Mask(name, sizes.getLast()));
              }
            });
    double share = plan.adapter().dropout();
    if (share > 0 && masks.isEmpty()) {
      throw new TrainingFailure.NoSuchInput(
          "has no masks for --lora-dropout", "with 'banyan prepare --lora-dropout'");
    }
    return new SiteInputs(
        scalings,
        new LoraDropout(share, plan.seed(), masks, graph.has(LoraDropout.COMPENSATION)),
        isSwitchable(adapter));
  }

  private static Optional<MethodInfo> method(AdapterInfo adapter, String input) {
    return adapter.methods().stream()
        .filter(method -> method.name().scalingInput().equals(input))
        .findFirst();
  }

  /** Sites of which all is read; of a method that is not linear, every one. */
  private static Set<Integer> undropped(Optional<MethodInfo> method, Set<String> inputs) {
    boolean drops = method.map(SiteInputs::isLowRank).orElse(true);
    List<String> sites = method.map(MethodInfo::sites).orElse(List.of());
    return IntStream.range(0, sites.size())
        .filter(site -> !drops || !inputs.contains(sites.get(site) + LoraDropout.SUFFIX))
        .boxed()
        .collect(Collectors.toSet());
  }

  /** By alpha and rank, or, of a method without a rank, by its settings. */
  private static List<Double> scalings(Optional<MethodInfo> of, LayerRanks layers) {
    if (of.isEmpty()) {
      return List.of();
    }
    MethodInfo method = of.get();
    double own = Double.parseDouble(method.settings().getOrDefault("scaling", "1"));
    return isLowRank(method)
        ? layers.scalings(method.sites())
        : Collections.nCopies(method.sites().size(), own);
  }

  private static boolean isLowRank(MethodInfo method) {
    return method.name().sizes().contains(Size.RANK);
  }

  private static boolean isSwitchable(AdapterInfo adapter) {
    return !adapter.sites().isEmpty()
        && adapter.methods().stream().allMatch(method -> method.name().isSwitchable());
  }

  private static Scaling scaling(List<Double> each, TrainingPlan plan, List<Long> dims) {
    if (dims.isEmpty() && each.stream().distinct().count() > 1) {
      throw new TrainingFailure.NoSuchInput(
          "has one scaling for all layers, so no --alpha-pattern", "with this version");
    }
    List<Double> values =
        dims.isEmpty() || each.isEmpty()
            ? List.of(each.isEmpty() ? plan.adapter().scaling() : each.getFirst())
            : each;
    return new Scaling(values, dims, Set.of());
  }

  /** The same for the base alone: what is scaled counts nothing, and everything is read. */
  SiteInputs withoutAdapter() {
    Map<String, Scaling> off = new LinkedHashMap<>();
    scalings.forEach((name, scaling) -> off.put(name, scaling.off()));
    return new SiteInputs(off, dropout, switchable);
  }

  /** Adds the scalings for a graph that drops nothing. */
  void addTo(Map<String, NativeTensor> feeds, TensorScope scope) {
    scalings.forEach((name, scaling) -> feeds.put(name, scaling.tensor(scope, 1)));
  }

  /** Adds scalings and masks for a graph that can drop. */
  void addTo(Feeder.Feeds feeds, LoraDropout.Place place) {
    if (!dropout.masks().isEmpty()) {
      double more = dropout.compensation();
      scalings.forEach(
          (name, scaling) -> feeds.byName().put(name, scaling.tensor(feeds.scope(), more)));
      dropout.addTo(feeds.byName(), feeds.scope(), feeds.batch(), place);
    }
  }

  /** Adds masks that leave everything. */
  void addFullTo(Feeder.Feeds feeds) {
    dropout.full().addTo(feeds.byName(), feeds.scope(), feeds.batch(), new LoraDropout.Place(0, 0));
  }
}
