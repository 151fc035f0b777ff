package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * One way to adapt a site: what is trained there, and what the site computes with it.
 *
 * <table>
 * <caption>What a method says</caption>
 * <tr><td>{@link #parameters}</td><td>what is trained at a site, and its key in a PEFT file</td></tr>
 * <tr><td>{@link #train}</td><td>the site's output with one adapter, whose parameters have rank,
 *     labels and scaling as run-time sizes</td></tr>
 * <tr><td>{@link #serve}</td><td>the same with an adapter for each row of the batch, out of a bank
 *     that has one for each slot</td></tr>
 * <tr><td>{@link #joint}, {@link #merge}</td><td>where a trained adapter meets its layer, and the
 *     layer's weight with the adapter in it</td></tr>
 * </table>
 *
 * <p>Two things hold for every method. With the parameters' initial values, and with zeros in a
 * bank, the site's output is the base's, bit for bit except for the sign of a zero. And no row of a
 * batch has an influence on another.
 */
public sealed interface AdapterMethod permits Lora {
  /** The method's name in a bundle and in PEFT's {@code peft_type}, in lower case. */
  String name();

  /** What is trained at a site, in the order in which {@link #train} and {@link #serve} take it. */
  List<ParameterSpec> parameters(Site site);

  /**
   * Adds one adapter's nodes.
   *
   * @param adapter its parameters as {@link #parameters} lists them
   * @return what takes the place of the site's output
   */
  Value train(GraphBuilder builder, Site site, OneAdapter adapter);

  /**
   * Adds the nodes of a bank of adapters. A site's input is {@code [batch, sequence, in]}, {@code
   * [batch, in]}, or {@code [batch * sequence, in]} with the rows of a batch row next to each
   * other.
   *
   * @param bank one value for each of {@link #parameters}
   * @return what takes the place of the site's output
   */
  Value serve(GraphBuilder builder, Site site, AdapterBank bank);

  /**
   * The node at which an adapter that {@link #train} added joins the layer's own output: that is
   * the node's first input.
   *
   * @param parameters the graph inputs, as {@link #parameters} lists them
   */
  Node joint(List<Value> parameters);

  /**
   * The weight that makes the layer alone compute what it does with the adapter, in double
   * precision until the end.
   *
   * @param layer the layer's {@code MatMul} or {@code Gemm}
   * @param weight its float weight, of two axes
   * @param adapter a tensor for each of {@link #parameters}, the scaling folded in
   * @return as many bytes as the weight, in memory of {@code allocator}
   */
  Tensor merge(Node layer, Tensor weight, List<Tensor> adapter, SegmentAllocator allocator);

  /**
   * One adapter at one site.
   *
   * @param parameters float values, shaped as their {@link ParameterSpec} says
   * @param scaling float scalar: alpha / rank, or alpha / sqrt(rank)
   * @param input what the adapter reads: the site's input, or what dropout leaves of it
   */
  record OneAdapter(List<Value> parameters, Value scaling, Value input) {
    /** Copies the list. */
    public OneAdapter {
      parameters = List.copyOf(parameters);
    }
  }

  /**
   * The values of many adapters at one site.
   *
   * @param parameters float values with an axis of slots before the axes of their {@link
   *     ParameterSpec}; the scaling is folded into them where the spec says so
   * @param adapterIds int64 {@code [batch]}: the slot of each row
   */
  record AdapterBank(List<Value> parameters, Value adapterIds) {
    /** Copies the list. */
    public AdapterBank {
      parameters = List.copyOf(parameters);
    }

    /** Each row's own parameter, {@code [batch, ...]}. */
    public Value ofEachRow(GraphBuilder builder, int parameter) {
      return builder.op("Gather", parameters.get(parameter), adapterIds);
    }
  }
}
