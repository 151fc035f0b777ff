/**
 * Makes a model with weights of few bits of a model of floats: {@code banyan quantize}.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.quantize.QuantizeModel}: the driver, from file to file.
 *   <li>{@link dev.banyan.graph.quantize.Quantization}: how weights are stored; {@link
 *       dev.banyan.graph.quantize.LayerChoice}: which.
 *   <li>{@link dev.banyan.graph.quantize.StoredWeights}: weights in few bits, in a file until all
 *       are there; {@link dev.banyan.graph.quantize.QuantizeLayers} and {@link
 *       dev.banyan.graph.quantize.QuantizeTables} put them into the graph.
 *   <li>{@link dev.banyan.graph.quantize.OutputCheck}: what the model's answers lost.
 * </ul>
 */
@NullMarked
package dev.banyan.graph.quantize;

import org.jspecify.annotations.NullMarked;
