package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;

/**
 * Adapts the model as a whole, by learned tokens that every text stands behind. What it trains is
 * one matrix with a row for each of them.
 *
 * <p>Two things hold for every such method. A text whose adapter has no learned tokens is computed
 * as the base computes it. And a text's answer does not depend on how many tokens the adapters of
 * other texts have.
 */
public sealed interface ModelMethod extends AdapterMethod permits Prompt {
  /**
   * Finds in a graph what it changes there.
   *
   * @param graph without adapters, with types
   * @throws dev.banyan.graph.GraphFailure.UnusableModel if it is not found
   */
  Place in(Graph graph);

  /** The method in one graph. */
  interface Place {
    /** What is trained: {@code [tokens, n]}. */
    ParameterSpec parameter();

    /**
     * Adds the nodes of one adapter, whose tokens stand before every text.
     *
     * @param columns where texts stand so far
     * @param parameter {@code [tokens, n]}
     * @return where they stand now
     */
    TextColumns train(GraphBuilder builder, TextColumns columns, Value parameter);

    /**
     * Adds the nodes of a bank of adapters.
     *
     * @param columns where texts stand so far
     * @return where they stand now
     */
    TextColumns serve(GraphBuilder builder, TextColumns columns, Bank bank);
  }

  /**
   * The tokens of many adapters.
   *
   * @param rows {@code [slots, room, n]}; behind an adapter's own there is anything
   * @param counts int64 {@code [slots]}: how many tokens each adapter has
   * @param adapterIds int64 {@code [batch]}: the slot of each text
   */
  record Bank(Value rows, Value counts, Value adapterIds) {
    /** How many tokens stand before each text, int64 {@code [batch, 1]}. */
    Value ofEachText(GraphBuilder builder) {
      Value counted = builder.op("Gather", counts, adapterIds);
      return builder.op("Reshape", counted, builder.longs(-1, 1));
    }
  }
}
