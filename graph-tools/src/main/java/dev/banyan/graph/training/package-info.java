/**
 * From a base model to the graphs of a bundle.
 *
 * <ol>
 *   <li>{@link dev.banyan.graph.training.BundleBuilder} is the flow; it starts from {@link
 *       dev.banyan.graph.training.SourceModel}, which hands out a fresh {@link
 *       dev.banyan.graph.training.BaseGraph} for each graph.
 *   <li>{@link dev.banyan.graph.training.EncoderPorts} finds where text goes in and vectors come
 *       out, {@link dev.banyan.graph.training.TextLimits} how long texts can be.
 *   <li>{@link dev.banyan.graph.training.PooledEmbedding}, {@link dev.banyan.graph.training.Head}
 *       and {@link dev.banyan.graph.training.Loss} are what is put on top.
 *   <li>{@link dev.banyan.graph.training.TrainingGraphs}, {@link
 *       dev.banyan.graph.training.OptimizerGraph}, {@link dev.banyan.graph.training.ServingGraph}
 *       and {@link dev.banyan.graph.training.GangGraph} are the graphs; their inputs and outputs
 *       are listed there.
 *   <li>{@link dev.banyan.graph.training.SelfCheck} holds the result against {@link
 *       dev.banyan.graph.training.OriginalModel} before anything is kept.
 * </ol>
 */
@NullMarked
package dev.banyan.graph.training;

import org.jspecify.annotations.NullMarked;
