package dev.banyan.graph.lowering;

import dev.banyan.graph.ir.Value;

/**
 * {@code softmax(q kᵀ scale + bias) v} for each head.
 *
 * @param query {@code [batch, heads, queries, head size]}
 * @param keyTransposed {@code [batch, heads, head size, keys]}
 * @param value {@code [batch, heads, keys, value head size]}
 * @param scores what happens between the products
 */
record ScaledAttention(Value query, Value keyTransposed, Value value, Scores scores) {
  /**
   * How a score is made of a product.
   *
   * @param scale factor of the product
   * @param softcap bound that scores approach; 0 for none
   * @param bias added to the scores, broadcastable to {@code [batch, heads, queries, keys]}; {@link
   *     Value#NONE} for none
   */
  record Scores(double scale, double softcap, Value bias) {}

  /** Adds the nodes; gives {@code [batch, heads, queries, value head size]}. */
  Value add(LoweringContext c) {
    // The query is smaller than the scores.
    Value products = c.op("MatMul", c.times(query, scores.scale()), keyTransposed);
    Value biased = c.plus(capped(c, products), scores.bias());
    return c.op("MatMul", c.softmax(biased), value);
  }

  private Value capped(LoweringContext c, Value products) {
    double cap = scores.softcap();
    return cap == 0 ? products : c.times(c.op("Tanh", c.times(products, 1 / cap)), cap);
  }
}
