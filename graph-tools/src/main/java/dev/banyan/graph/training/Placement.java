package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.adapter.BaseWeight;
import dev.banyan.graph.adapter.Dropout;
import dev.banyan.graph.adapter.InsertAdapters;
import dev.banyan.graph.adapter.InsertBaseWeights;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.WeightMethod;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Where a recipe's methods adapt one base graph, found before anything is inserted into it.
 *
 * @param methods each method with its sites, in the order in which they are inserted
 * @param weights the weights of the base that adapters hold themselves, in graph order
 */
record Placement(List<Placed> methods, List<BaseWeight> weights) {
  /** Copies the lists. */
  Placement {
    methods = List.copyOf(methods);
    weights = List.copyOf(weights);
  }

  /**
   * One method.
   *
   * @param choice which, and what was asked for
   * @param sites the layers that it adapts, in graph order; none for a method that adapts none
   */
  record Placed(MethodChoice choice, List<Site> sites) {
    /** Copies the list. */
    Placed {
      sites = List.copyOf(sites);
    }

    private List<ParameterSpec> parameters() {
      return switch (choice.method()) {
        case LayerMethod method ->
            sites.stream().flatMap(site -> method.parameters(site).stream()).toList();
        case WeightMethod _ -> List.of();
      };
    }

    private MethodInfo info() {
      return new MethodInfo(
          choice.method().name(),
          choice.method() instanceof LayerMethod ? choice.sites().targets() : "",
          sites.stream().map(Site::path).toList(),
          choice.settings());
    }

    /** What its layers read can be dropped, if what it makes of that is linear and scaled. */
    private boolean drops() {
      return choice.method().name().isScaled();
    }
  }

  /** Every parameter but those of the head, in the order of the graphs' inputs. */
  List<ParameterSpec> parameters() {
    List<ParameterSpec> all = new ArrayList<>();
    methods.forEach(placed -> all.addAll(placed.parameters()));
    weights.forEach(weight -> all.add(weight.spec()));
    return all;
  }

  /** The methods for the bundle's manifest. */
  List<MethodInfo> infos() {
    return methods.stream().map(Placed::info).toList();
  }

  /** Paths of the layers that some method adapts. */
  List<String> paths() {
    Set<String> paths = new LinkedHashSet<>();
    methods.forEach(placed -> placed.sites().forEach(site -> paths.add(site.path())));
    return List.copyOf(paths);
  }

  /**
   * Inserts one adapter into the graph that the places were found in.
   *
   * @param dropout whether what adapters read can be dropped
   * @return the parameters that are trained, in order
   */
  List<Value> train(Graph graph, boolean dropout) {
    // Asked for now: once they are inputs, weights of the base have no values to be described by.
    List<ParameterSpec> specs = parameters();
    // What users feed comes before all parameters.
    List<Value> scalings = methods.stream().map(placed -> scaling(graph, placed)).toList();
    Dropout masks = dropout ? Dropout.at(droppedSites(), graph) : Dropout.none();
    InsertAdapters before = null;
    for (int i = 0; i < methods.size(); i++) {
      Placed placed = methods.get(i);
      if (placed.choice().method() instanceof LayerMethod method) {
        before = before == null ? new InsertAdapters(graph, method) : before.then(method);
        before.forTraining(
            placed.sites(), scalings.get(i), placed.drops() ? masks : Dropout.none());
      }
    }
    new InsertBaseWeights(graph).forTraining(weights);
    return specs.stream()
        .filter(ParameterSpec::isTrained)
        .map(spec -> graph.value(spec.name()))
        .toList();
  }

  private List<Site> droppedSites() {
    Set<String> seen = new LinkedHashSet<>();
    return methods.stream()
        .filter(Placed::drops)
        .flatMap(placed -> placed.sites().stream())
        .filter(site -> seen.add(site.path()))
        .toList();
  }

  /** Input {@code [sites]}: alpha / rank of each layer; one element if no site is adapted. */
  private static Value scaling(Graph graph, Placed placed) {
    if (!placed.choice().method().name().isScaled()) {
      return Value.NONE;
    }
    Dim each = Dim.of(Math.max(1, placed.sites().size()));
    return graph.addInput(
        placed.choice().method().name().scalingInput(), TensorType.of(DType.FLOAT, each));
  }

  /**
   * Inserts banks of adapters into the graph that the places were found in.
   *
   * @param adapterIds int64 {@code [batch]}
   */
  void serve(Graph graph, Value adapterIds) {
    InsertAdapters before = null;
    for (Placed placed : methods) {
      if (placed.choice().method() instanceof LayerMethod method) {
        before = before == null ? new InsertAdapters(graph, method) : before.then(method);
        before.forServing(placed.sites(), adapterIds);
      }
    }
    new InsertBaseWeights(graph).forServing(weights, adapterIds);
  }
}
