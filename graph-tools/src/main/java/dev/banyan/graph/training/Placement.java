package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.MethodInfo;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.adapter.BaseWeight;
import dev.banyan.graph.adapter.BaseWeightChoice;
import dev.banyan.graph.adapter.InsertAdapters;
import dev.banyan.graph.adapter.InsertBaseWeights;
import dev.banyan.graph.adapter.LayerMethod;
import dev.banyan.graph.adapter.ModelMethod;
import dev.banyan.graph.adapter.TextColumns;
import dev.banyan.graph.adapter.WeightMethod;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where a recipe's methods adapt one base graph, found before anything is inserted into it.
 *
 * @param methods each method with its sites, in the order in which they are inserted
 * @param held the weights of the base that adapters hold themselves
 */
record Placement(List<Placed> methods, BaseWeightChoice.Chosen held) {
  /** Copies the list. */
  Placement {
    methods = List.copyOf(methods);
  }

  /** The weights of the base that adapters hold themselves, in graph order. */
  List<BaseWeight> weights() {
    return held.weights();
  }

  /**
   * One method.
   *
   * @param choice which, and what was asked for
   * @param sites the layers that it adapts, in graph order; none for a method that adapts none
   * @param place where it adapts the model, if it adapts that as a whole
   */
  record Placed(MethodChoice choice, List<Site> sites, Optional<ModelMethod.Place> place) {
    /** Copies the list. */
    Placed {
      sites = List.copyOf(sites);
    }

    private List<ParameterSpec> parameters() {
      return switch (choice.method()) {
        case LayerMethod method ->
            Stream.concat(
                    shared(method).stream(),
                    sites.stream().flatMap(site -> method.parameters(site).stream()))
                .toList();
        case WeightMethod _ -> List.of();
        case ModelMethod _ -> place.stream().map(ModelMethod.Place::parameter).toList();
      };
    }

    private List<ParameterSpec> shared(LayerMethod method) {
      return sites.isEmpty() ? List.of() : method.shared(sites);
    }

    /** What each layer reads, where that has to be known. */
    private List<Long> widths() {
      return choice.method() instanceof LayerMethod method && !shared(method).isEmpty()
          ? sites.stream().map(Site::inFeatures).toList()
          : List.of();
    }

    private MethodInfo info(BaseWeightChoice.Chosen held) {
      String targets =
          switch (choice.method()) {
            case LayerMethod _ -> choice.sites().targets();
            case WeightMethod _ -> choice.modules().text();
            case ModelMethod _ -> "";
          };
      return new MethodInfo(
          choice.method().name(),
          targets,
          sites.stream().map(Site::path).toList(),
          choice.settings(),
          held.of(choice.method().name()),
          widths());
    }

    /** Adds the nodes of a method that adapts the model as a whole. */
    GraphBuilder builder(Graph graph) {
      return new GraphBuilder(graph, "banyan/" + choice.method().name().text());
    }

    boolean drops() {
      return choice.method() instanceof LayerMethod method && method.canDrop();
    }
  }

  /** Every parameter but those of the head, in the order of the graphs' inputs. */
  List<ParameterSpec> parameters() {
    List<ParameterSpec> all = new ArrayList<>();
    methods.forEach(placed -> all.addAll(placed.parameters()));
    weights().forEach(weight -> all.add(weight.spec()));
    return all;
  }

  /** Every layer that some method adapts, once. */
  List<Site> sites() {
    Map<String, Site> sites = new LinkedHashMap<>();
    methods.forEach(placed -> placed.sites().forEach(site -> sites.put(site.path(), site)));
    return List.copyOf(sites.values());
  }

  /** What the base has where adapters hold weights of it. */
  BaseValues baseValues() {
    Map<String, Tensor> values = new HashMap<>();
    weights().forEach(weight -> values.put(weight.name(), weight.value()));
    return new BaseValues(values);
  }

  /** The methods for the bundle's manifest. */
  List<MethodInfo> infos() {
    return methods.stream().map(placed -> placed.info(held)).toList();
  }

  /** The linear layers that some method adapts, once. */
  List<Site> layers() {
    return sites().stream().filter(Site::isLinear).toList();
  }

  /**
   * Begins to insert one adapter into the graph that the places were found in.
   *
   * @param dropout whether what adapters read can be dropped
   */
  TrainedPlacement train(Graph graph, boolean dropout) {
    return new TrainedPlacement(graph, this, dropout);
  }

  /** Whether a method wants to know what makes up for what is dropped. */
  boolean tellsCompensation() {
    return methods.stream()
        .anyMatch(
            placed ->
                placed.choice().method() instanceof LayerMethod method
                    && method.tellsCompensation());
  }

  /** Linear layers, and parts of such, of which what adapters read can be dropped. */
  List<Site> droppedSites() {
    Set<String> seen = new HashSet<>();
    return methods.stream()
        .filter(Placed::drops)
        .flatMap(placed -> placed.sites().stream())
        .filter(Site::multipliesVectors)
        .filter(site -> seen.add(site.path()))
        .toList();
  }

  /** Input {@code [sites]}: alpha / rank of each layer; one element if no site is adapted. */
  static Value scaling(Graph graph, Placed placed) {
    if (!placed.choice().method().name().isScaled()) {
      return Value.NONE;
    }
    Dim each = Dim.of(Math.max(1, placed.sites().size()));
    return graph.addInput(
        placed.choice().method().name().scalingInput(), TensorType.of(DType.FLOAT, each));
  }

  /**
   * Begins to insert banks of adapters into the graph that the places were found in: those of
   * methods that adapt the model as a whole.
   *
   * @param adapterIds int64 {@code [batch]}
   * @return where texts stand now
   */
  TextColumns serveModel(Graph graph, Value adapterIds) {
    TextColumns columns = TextColumns.of(graph);
    for (Placed placed : methods) {
      if (placed.place().isPresent()) {
        ModelMethod.Place place = placed.place().get();
        GraphBuilder builder = placed.builder(graph);
        columns = place.serve(builder, columns, bank(graph, place.parameter(), adapterIds));
      }
    }
    return columns;
  }

  private static ModelMethod.Bank bank(Graph graph, ParameterSpec spec, Value adapterIds) {
    Value rows = InsertAdapters.addBank(graph, spec);
    Value counts =
        graph.addInput(spec.countName(), TensorType.of(DType.INT64, Dim.of(InsertAdapters.SLOTS)));
    return new ModelMethod.Bank(rows, counts, adapterIds);
  }

  /**
   * Goes on with the banks of all others.
   *
   * @param adapterIds int64 {@code [batch]}
   */
  void serveLayers(Graph graph, Value adapterIds) {
    InsertAdapters before = null;
    for (Placed placed : methods) {
      if (placed.choice().method() instanceof LayerMethod method) {
        before = before == null ? new InsertAdapters(graph, method) : before.then(method);
        before.forServing(placed.sites(), adapterIds);
      }
    }
    new InsertBaseWeights(graph).forServing(weights(), adapterIds);
  }
}
