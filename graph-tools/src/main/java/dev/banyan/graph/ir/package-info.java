/**
 * The graph that every other package of this module reads and rewrites. It knows no file format.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.ir.Model}: a graph, the operator sets it speaks, and its metadata.
 *   <li>{@link dev.banyan.graph.ir.Graph}: inputs, outputs, constants and nodes; the only place
 *       that changes them.
 *   <li>{@link dev.banyan.graph.ir.Node} and {@link dev.banyan.graph.ir.Value}: compared by
 *       identity. A value knows the node that makes it and the nodes that use it.
 *   <li>{@link dev.banyan.graph.ir.OpId}, {@link dev.banyan.graph.ir.Attribute}, {@link
 *       dev.banyan.graph.ir.TensorType}, {@link dev.banyan.graph.ir.Dim}: immutable facts.
 *   <li>{@link dev.banyan.graph.ir.GraphBuilder}: adds nodes under a name prefix.
 * </ul>
 *
 * <p>Nodes may be added in any order: {@link dev.banyan.graph.ir.Graph#sort()} puts them in an
 * order in which every value is made before it is used, which is what ONNX files need.
 */
@NullMarked
package dev.banyan.graph.ir;

import org.jspecify.annotations.NullMarked;
