/**
 * A trained adapter in the forms of other programs.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.export.AdapterMerge}: one plain ONNX model of base and adapter;
 *       {@link dev.banyan.graph.export.MergedGraph} rewrites the graph, {@link
 *       dev.banyan.graph.export.MergedWeights} keeps its new weights in the form that the old ones
 *       have, {@link dev.banyan.graph.export.MergeCheck} holds the result against base and adapter.
 *   <li>{@link dev.banyan.graph.export.AdapterExport}: ONNX Runtime's adapter file, which its run
 *       options feed to a bundle's serving graph, and a plain PEFT folder.
 * </ul>
 */
@NullMarked
package dev.banyan.graph.export;

import org.jspecify.annotations.NullMarked;
