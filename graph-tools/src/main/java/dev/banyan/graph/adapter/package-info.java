/**
 * The adapter methods, and what puts them into a graph.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.adapter.AdapterMethod}: what a method has to say; sealed, so that
 *       the compiler lists every place that a new one concerns.
 *   <li>{@link dev.banyan.graph.adapter.Lora}: low-rank adaptation.
 *   <li>{@link dev.banyan.graph.adapter.InsertAdapters}: walks over the chosen sites.
 *   <li>{@link dev.banyan.graph.adapter.Dropout}: what an adapter does not get to read in training.
 *   <li>{@link dev.banyan.graph.adapter.RemoveAdapters}: takes an adapter's nodes out again, so
 *       that it can become part of the weights.
 *   <li>{@link dev.banyan.graph.adapter.BaseWeightChoice} and {@link
 *       dev.banyan.graph.adapter.InsertBaseWeights}: biases and modules of the base that adapters
 *       hold themselves, as PEFT's {@code bias} and {@code modules_to_save}.
 * </ul>
 *
 * <p>How to add a method is told in {@code docs/add-an-adapter-method.md}.
 */
@NullMarked
package dev.banyan.graph.adapter;

import org.jspecify.annotations.NullMarked;
