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
public sealed interface ModelMethod extends AdapterMethod permits Prompt, Prefix {
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
    /**
     * The first tokens of each text's adapter, {@code [batch, most, n..]}; without copying those
     * that there is only room for.
     *
     * @param most how many, an int64 scalar
     */
    Value ofTexts(GraphBuilder builder, Value most) {
      Value sizes = builder.op("Shape", rows);
      Value room = builder.op("Gather", sizes, builder.scalar(1L));
      Value starts =
          builder.op("Reshape", builder.op("Mul", adapterIds, room), builder.longs(-1, 1));
      Value places = builder.op("Add", starts, TextColumns.range(builder, most));
      Value each =
          builder.op(
              "Slice", sizes, builder.longs(2), builder.longs(Long.MAX_VALUE), builder.longs(0));
      Value flat =
          builder.op("Reshape", rows, TextColumns.concat(builder, builder.longs(-1), each));
      return builder.op("Gather", flat, places);
    }

    /** How many tokens stand before each text, int64 {@code [batch, 1]}. */
    Value ofEachText(GraphBuilder builder) {
      Value counted = builder.op("Gather", counts, adapterIds);
      return builder.op("Reshape", counted, builder.longs(-1, 1));
    }
  }
}
