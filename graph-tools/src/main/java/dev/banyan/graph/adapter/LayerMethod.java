package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import dev.banyan.graph.site.SiteKind;
import java.util.List;
import java.util.Optional;

/**
 * Adapts chosen places: what is trained at a site, and what the site computes with it.
 *
 * <table>
 * <caption>What a method says</caption>
 * <tr><td>{@link #parameters}</td><td>what is trained at a site, and its key in a PEFT file</td></tr>
 * <tr><td>{@link #shared}</td><td>what belongs to all of its sites at once; most have nothing</td></tr>
 * <tr><td>{@link #point}</td><td>which value of the site it takes the place of</td></tr>
 * <tr><td>{@link #train}</td><td>that value with one adapter, whose sizes and scaling are known only
 *     when the graph runs</td></tr>
 * <tr><td>{@link #serve}</td><td>the same with an adapter for each row of the batch, out of a bank
 *     that has one for each slot</td></tr>
 * <tr><td>{@link MergeableMethod#merge}</td><td>the layer's weights with the adapter in them, where
 *     a weight can do what the adapter does</td></tr>
 * </table>
 *
 * <p>Three things hold for every method. With the parameters' initial values, and with zeros in a
 * bank, the output is the base's, bit for bit except for the sign of a zero. No row of a batch has
 * an influence on another. And in training one gets from the node that makes the adapted value to
 * the value whose place it takes along first inputs: so {@link RemoveAdapters} finds it.
 */
public sealed interface LayerMethod extends AdapterMethod permits MergeableMethod, Bottleneck {
  /** What is trained at a site, in the order in which {@link #train} and {@link #serve} take it. */
  List<ParameterSpec> parameters(Site site);

  /**
   * What belongs to all of its sites at once, if there is such: {@link ParameterSpec#isShared}.
   *
   * @param sites at least one
   */
  default List<ParameterSpec> shared(List<Site> sites) {
    return List.of();
  }

  /** Whether it can adapt sites of a kind. */
  default boolean adapts(SiteKind kind) {
    return kind instanceof SiteKind.Linear;
  }

  /**
   * The layers that it usually adapts, as {@code targets} has them; empty for a method that has to
   * be told.
   */
  default Optional<String> usualTargets() {
    return Optional.empty();
  }

  /** Which value of a site the method adapts. */
  default Point point(Site site) {
    return pointAt(site.path());
  }

  /** Which value of the site of this path it adapts. */
  default Point pointAt(String path) {
    return Point.PRODUCT;
  }

  /** Whether what its layers read can be dropped: what it makes of that is linear and scaled. */
  default boolean canDrop() {
    return name().isScaled();
  }

  /** Whether it wants to know what of the scaling makes up for what is dropped. */
  default boolean tellsCompensation() {
    return false;
  }

  /** Whether it works on the product alone, so that no bias may be added by the same node. */
  default boolean needsBareProduct() {
    return false;
  }

  /**
   * Adds one adapter's nodes. Those that a builder in {@link
   * dev.banyan.graph.autodiff.Detached#NAME} adds are not differentiated through.
   *
   * @param adapter its parameters as {@link #parameters} lists them
   * @return what takes the place of {@code adapter.own()}
   */
  Value train(GraphBuilder builder, Site site, OneAdapter adapter);

  /**
   * Adds the nodes of a bank of adapters. A site's input is {@code [batch, sequence, in]}, {@code
   * [batch, in]}, or {@code [batch * sequence, in]} with the rows of a batch row next to each
   * other.
   *
   * @param bank one value for each of {@link #parameters}
   * @return what takes the place of {@code bank.own()}
   */
  Value serve(GraphBuilder builder, Site site, AdapterBank bank);

  /** The values of a site that can be adapted, in the order in which they are made. */
  enum Point {
    /** What the layer reads. */
    INPUT,
    /** Its product, before a bias that is added apart. */
    PRODUCT,
    /** What it gives, with the bias. */
    OUTPUT
  }

  /**
   * One adapter at one site.
   *
   * @param parameters float values, shaped as their {@link ParameterSpec} says
   * @param shared the same of what belongs to all sites
   * @param scaling float scalar: alpha / rank, or alpha / sqrt(rank); none for a method without
   * @param input what the adapter reads: the site's input, or what dropout leaves of it
   * @param compensation float scalar that is a factor of the scaling: what makes up for what is
   *     dropped; none if nothing is, or the method does not want to know
   * @param own the value whose place is taken
   */
  record OneAdapter(
      List<Value> parameters,
      List<Value> shared,
      Value scaling,
      Value input,
      Value compensation,
      Value own) {
    /** Copies the lists. */
    public OneAdapter {
      parameters = List.copyOf(parameters);
      shared = List.copyOf(shared);
    }
  }

  /**
   * The values of many adapters at one site.
   *
   * @param parameters float values with an axis of slots before the axes of their {@link
   *     ParameterSpec}; the scaling is folded into them where the spec says so
   * @param shared each row's own of what belongs to all sites, {@code [batch, ...]}
   * @param adapterIds int64 {@code [batch]}: the slot of each row
   * @param own the value whose place is taken
   */
  record AdapterBank(List<Value> parameters, List<Value> shared, Value adapterIds, Value own) {
    /** Copies the lists. */
    public AdapterBank {
      parameters = List.copyOf(parameters);
      shared = List.copyOf(shared);
    }

    /** Each row's own parameter, {@code [batch, ...]}. */
    public Value ofEachRow(GraphBuilder builder, int parameter) {
      return builder.op("Gather", parameters.get(parameter), adapterIds);
    }
  }
}
