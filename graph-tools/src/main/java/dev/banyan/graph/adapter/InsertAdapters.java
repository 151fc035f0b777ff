package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.adapter.AdapterMethod.AdapterBank;
import dev.banyan.graph.adapter.AdapterMethod.OneAdapter;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Puts an adapter at every chosen site of a graph. */
public final class InsertAdapters {
  /** The axis of slots that every bank starts with. */
  public static final String SLOTS = "slots";

  /** Behind the name of a site's own output where the adapted one has taken its name. */
  static final String BASE = "/base";

  private final Graph graph;
  private final AdapterMethod method;

  /** Inserts adapters of this method into this graph. */
  public InsertAdapters(Graph graph, AdapterMethod method) {
    this.graph = graph;
    this.method = method;
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
   * @param scaling float {@code [sites]}; or a scalar, where all sites have the same
   * @param dropout what is dropped of the sites' inputs
   * @return the parameters, site by site
   */
  public List<Value> forTraining(List<Site> sites, Value scaling, Dropout dropout) {
    List<Value> all = new ArrayList<>();
    for (int i = 0; i < sites.size(); i++) {
      Site site = sites.get(i);
      GraphBuilder builder = builder(site);
      List<Value> parameters =
          method.parameters(site).stream().map(spec -> addParameter(graph, spec)).toList();
      Value own =
          scaling.knownType().rank() == 0
              ? scaling
              : builder.op("Gather", scaling, builder.scalar((long) i));
      OneAdapter adapter = new OneAdapter(parameters, own, dropout.of(site, builder));
      replace(site, method.train(builder, site, adapter));
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
    for (Site site : sites) {
      List<Value> banks =
          method.parameters(site).stream().map(spec -> addBank(graph, spec)).toList();
      replace(site, method.serve(builder(site), site, new AdapterBank(banks, adapterIds)));
    }
  }

  /** Adds a trainable parameter to the inputs of a graph. */
  public static Value addParameter(Graph graph, ParameterSpec spec) {
    return graph.addInput(spec.name(), new TensorType(DType.FLOAT, dims(spec)));
  }

  /** Adds a bank of a parameter, {@code <name>.bank}, to the inputs of a graph. */
  public static Value addBank(Graph graph, ParameterSpec spec) {
    List<Dim> dims = new ArrayList<>(List.of(Dim.of(SLOTS)));
    dims.addAll(dims(spec));
    return graph.addInput(spec.bankName(), new TensorType(DType.FLOAT, dims));
  }

  private static List<Dim> dims(ParameterSpec spec) {
    return spec.dims().stream()
        .map(
            dim ->
                switch (dim) {
                  case ParameterSpec.RANK, ParameterSpec.LABELS -> Dim.of(dim);
                  default -> Dim.of(Long.parseLong(dim));
                })
        .toList();
  }

  private GraphBuilder builder(Site site) {
    return new GraphBuilder(graph, "banyan/" + method.name() + "/" + site.path());
  }

  private void replace(Site site, Value adapted) {
    Node maker = adapted.producer().orElseThrow();
    Set<Node> readers = new HashSet<>(site.output().users());
    readers.remove(maker);
    replace(graph, site.output(), adapted, readers);
  }

  /**
   * Lets the nodes that read a value read what an adapter makes of it. An output of the graph keeps
   * its name.
   */
  static void replace(Graph graph, Value output, Value adapted, Set<Node> readers) {
    output.type().ifPresent(adapted::withType);
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
