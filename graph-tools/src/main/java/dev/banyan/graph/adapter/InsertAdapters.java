package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.adapter.LayerMethod.AdapterBank;
import dev.banyan.graph.adapter.LayerMethod.OneAdapter;
import dev.banyan.graph.adapter.LayerMethod.Point;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Puts an adapter at every chosen site of a graph. */
public final class InsertAdapters {
  /** The axis of slots that every bank starts with. */
  public static final String SLOTS = "slots";

  /** The axis that banks of what belongs to all sites start with instead. */
  private static final String SETS = "sets";

  /** Behind the name of a site's own output where the adapted one has taken its name. */
  static final String BASE = "/base";

  private final Graph graph;
  private final LayerMethod method;

  /** What has taken the place of a value, where several methods adapt the same site. */
  private final Map<Value, Value> adapted;

  /** Inserts adapters of this method into this graph. */
  public InsertAdapters(Graph graph, LayerMethod method) {
    this(graph, method, new HashMap<>());
  }

  private InsertAdapters(Graph graph, LayerMethod method, Map<Value, Value> adapted) {
    this.graph = graph;
    this.method = method;
    this.adapted = adapted;
  }

  /** Inserts adapters of another method, over those that this one has inserted. */
  public InsertAdapters then(LayerMethod other) {
    return new InsertAdapters(graph, other, adapted);
  }

  /** What the names of all nodes of a method's adapter at a site start with. */
  static String prefix(MethodName method, String path) {
    return "banyan/" + method.text() + "/" + path;
  }

  /**
   * Inserts one adapter without dropout.
   *
   * @see #forTraining(List, Value, Dropout)
   */
  public List<Value> forTraining(List<Site> sites, Value scaling) {
    return forTraining(sites, scaling, Dropout.none());
  }

  /**
   * Inserts one adapter. Its parameters become graph inputs, named as the method names them.
   *
   * @param scaling float {@code [sites]}; or a scalar, where all sites have the same; none for a
   *     method without
   * @param dropout what is dropped of the sites' inputs
   * @return the parameters, first those of all sites and then site by site
   */
  public List<Value> forTraining(List<Site> sites, Value scaling, Dropout dropout) {
    List<Value> shared = shared(sites).map(spec -> addParameter(graph, spec)).toList();
    List<Value> all = new ArrayList<>(shared);
    for (int i = 0; i < sites.size(); i++) {
      Site site = sites.get(i);
      GraphBuilder builder = builder(site);
      List<Value> parameters =
          method.parameters(site).stream().map(spec -> addParameter(graph, spec)).toList();
      Value ofSite =
          scaling.isNone() || scaling.knownType().rank() == 0
              ? scaling
              : builder.op("Gather", scaling, builder.scalar((long) i));
      Value own = own(site);
      Value input = dropout.of(site, builder);
      Value compensation = method.tellsCompensation() ? dropout.compensation() : Value.NONE;
      OneAdapter adapter = new OneAdapter(parameters, shared, ofSite, input, compensation, own);
      replace(site, own, method.train(builder, site, adapter));
      all.addAll(parameters);
    }
    return all;
  }

  /**
   * Inserts a bank of adapters. Its parameters become graph inputs with an axis of slots in front.
   *
   * @param adapterIds int64 {@code [batch]}
   */
  public void forServing(List<Site> sites, Value adapterIds) {
    List<Value> shared = shared(sites).map(spec -> addShared(spec, adapterIds)).toList();
    for (Site site : sites) {
      List<Value> banks =
          method.parameters(site).stream()
              .filter(ParameterSpec::isBanked)
              .map(spec -> addBank(graph, spec))
              .toList();
      Value own = own(site);
      AdapterBank bank = new AdapterBank(banks, shared, adapterIds, own);
      replace(site, own, method.serve(builder(site), site, bank));
    }
  }

  private Stream<ParameterSpec> shared(List<Site> sites) {
    return sites.isEmpty() ? Stream.of() : method.shared(sites).stream();
  }

  /** Adds the few values that there are of a parameter of all sites, and takes each row's own. */
  private Value addShared(ParameterSpec spec, Value adapterIds) {
    GraphBuilder builder = new GraphBuilder(graph, "banyan/" + method.name().text());
    Value values = graph.addInput(spec.bankName(), banked(SETS, spec));
    Value ofSlots = graph.addInput(spec.setName(), TensorType.of(DType.INT64, Dim.of(SLOTS)));
    Value ofRows = builder.op("Gather", ofSlots, adapterIds);
    return builder.op("Gather", values, ofRows).withType(banked("batch", spec));
  }

  /** Adds a trainable parameter to the inputs of a graph. */
  public static Value addParameter(Graph graph, ParameterSpec spec) {
    return graph.addInput(spec.name(), new TensorType(DType.FLOAT, dims(spec)));
  }

  /** Adds a bank of a parameter, {@code <name>.bank}, to the inputs of a graph. */
  public static Value addBank(Graph graph, ParameterSpec spec) {
    return graph.addInput(spec.bankName(), banked(SLOTS, spec));
  }

  private static TensorType banked(String first, ParameterSpec spec) {
    List<Dim> dims = new ArrayList<>(List.of(Dim.of(first)));
    dims.addAll(dims(spec));
    return new TensorType(DType.FLOAT, dims);
  }

  private static List<Dim> dims(ParameterSpec spec) {
    return spec.dims().stream()
        .map(dim -> Size.of(dim).isPresent() ? Dim.of(dim) : Dim.of(Long.parseLong(dim)))
        .toList();
  }

  private GraphBuilder builder(Site site) {
    return new GraphBuilder(graph, prefix(method.name(), site.path()));
  }

  /** The value that is adapted, as the methods before have left it. */
  private Value own(Site site) {
    Value first =
        switch (method.point(site)) {
          case INPUT -> site.input();
          case PRODUCT -> site.output();
          case OUTPUT -> site.end();
        };
    Value now = first;
    for (Value next = adapted.get(now); next != null; next = adapted.get(now)) {
      now = next;
    }
    return now;
  }

  private void replace(Site site, Value own, Value made) {
    if (method.point(site) == Point.INPUT) {
      own.type().ifPresent(made::withType);
      site.node().replaceInput(0, made);
      return;
    }
    // The adapter's own nodes go on reading the value itself.
    String inside = prefix(method.name(), site.path()) + "/";
    Set<Node> readers = new HashSet<>(own.users());
    readers.removeIf(node -> node.name().startsWith(inside));
    replace(graph, own, made, readers);
    adapted.put(own, made);
  }

  /**
   * Lets the nodes that read a value read what an adapter makes of it. An output of the graph keeps
   * its name.
   */
  static void replace(Graph graph, Value output, Value adapted, Set<Node> readers) {
    if (adapted.type().isEmpty()) {
      output.type().ifPresent(adapted::withType);
    }
    for (Node reader : readers) {
      for (int i = 0; i < reader.inputs().size(); i++) {
        if (reader.input(i) == output) {
          reader.replaceInput(i, adapted);
        }
      }
    }
    if (graph.outputs().contains(output)) {
      graph.setOutputs(
          graph.outputs().stream().map(value -> value == output ? adapted : value).toList());
      String name = output.name();
      graph.rename(output, graph.freshName(name + BASE));
      graph.rename(adapted, name);
    }
  }
}
