package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;

/**
 * One way to adapt a model. Every method is a record of its settings in a file of its own.
 *
 * <table>
 * <caption>What methods adapt</caption>
 * <tr><td>{@link LayerMethod}</td><td>chosen layers, by what it adds beside their weights</td></tr>
 * <tr><td>{@link WeightMethod}</td><td>weights of the base themselves, which each adapter then
 *     holds</td></tr>
 * <tr><td>{@link ModelMethod}</td><td>the model as a whole, by learned tokens before every
 *     text</td></tr>
 * </table>
 */
public sealed interface AdapterMethod permits LayerMethod, WeightMethod, ModelMethod {
  /** Which method it is. */
  MethodName name();
}
