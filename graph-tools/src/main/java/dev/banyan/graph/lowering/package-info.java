/**
 * Rewrites fused operators to ones that can be differentiated, before sites are looked for: a model
 * that an optimizer wrote is trained like one that an exporter wrote.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.lowering.Lower}: the driver. It asks the table for each node.
 *   <li>{@link dev.banyan.graph.lowering.LoweringRules}: the table, one row a rule; tables add up
 *       with {@code plus}.
 *   <li>{@link dev.banyan.graph.lowering.LoweringRule}: one file for an operator or a close family.
 *       A rule says that it does not fit, rewrites, or refuses a setting by name.
 *   <li>{@link dev.banyan.graph.lowering.LoweringContext}: what a rule sees and builds with.
 *   <li>{@link dev.banyan.graph.lowering.DropPast}: a decoder without its cache of keys and values.
 *   <li>{@link dev.banyan.graph.lowering.SpeakOpset}: the label of the operator set, once nothing
 *       newer is left.
 * </ul>
 *
 * <p>Each rule is held against ONNX Runtime's fused kernel by a row of {@code FusedOperators} in
 * the tests.
 */
@NullMarked
package dev.banyan.graph.lowering;

import org.jspecify.annotations.NullMarked;
