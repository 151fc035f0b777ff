/**
 * A trained adapter in the forms of other programs.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.export.AdapterMerge}: one plain ONNX model of base and adapter.
 *       {@link dev.banyan.graph.export.MergedEncoder} and {@link
 *       dev.banyan.graph.export.MergedDecoder} find the layers, {@link
 *       dev.banyan.graph.export.LayerMerges} computes their weights, {@link
 *       dev.banyan.graph.export.MergedWeights} keeps these in the form that the old ones have, and
 *       {@link dev.banyan.graph.export.MergeCheck} or {@link
 *       dev.banyan.graph.export.DecoderMergeCheck} holds the result against base and adapter.
 *   <li>{@link dev.banyan.graph.export.AdapterExport}: ONNX Runtime's adapter file, which its run
 *       options feed to a bundle's serving graph, and a plain PEFT folder.
 * </ul>
 */
@NullMarked
package dev.banyan.graph.export;

import org.jspecify.annotations.NullMarked;
