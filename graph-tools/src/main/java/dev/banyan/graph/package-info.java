/**
 * From an ONNX model to a bundle that can be trained and served: simplify, find sites, insert
 * adapters, freeze the base, add the loss, differentiate.
 *
 * <ul>
 *   <li>{@code ir}: the graph; {@code io}: ONNX files in and out; {@code text}: graphs as text;
 *       {@code types}: types and shapes, asked of ONNX Runtime.
 *   <li>{@code site}: the places that can carry an adapter; {@code adapter}: the adapter methods.
 *   <li>{@code autodiff}: reverse-mode differentiation as tables of rules.
 *   <li>{@code training}: heads, losses, and the graphs of a bundle.
 *   <li>{@code blockwise}: matrices in few bits; {@code quantize}: a model that has its weights so.
 *   <li>{@code export}: a trained adapter in other programs' forms: merged into the model, as ONNX
 *       Runtime's adapter file, as a plain PEFT folder.
 *   <li>{@code cli}: the commands {@code inspect}, {@code quantize}, {@code prepare}, {@code merge}
 *       and {@code export}.
 * </ul>
 */
@NullMarked
package dev.banyan.graph;

import org.jspecify.annotations.NullMarked;
