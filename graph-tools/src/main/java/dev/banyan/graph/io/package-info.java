/**
 * ONNX files in and out: the only package that knows both the graph and ONNX's messages.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.io.OnnxReader}: a file becomes a {@link dev.banyan.graph.ir.Model}.
 *       Weights are views of the mapped file.
 *   <li>{@link dev.banyan.graph.io.OnnxWriter}: a model becomes a file; weights go to a data file
 *       that several models share.
 *   <li>{@link dev.banyan.graph.io.ModelFiles}: a model for a user, in its place when all is well;
 *       {@link dev.banyan.graph.io.TensorFile}: new weights while a graph is rewritten.
 *   <li>{@link dev.banyan.graph.io.Simplify}: lets ONNX Runtime simplify a model of any size.
 *   <li>{@link dev.banyan.graph.io.NodeNotes}: gives a model that ONNX Runtime simplified what that
 *       lost: the exporter's order of the nodes and its notes on them.
 * </ul>
 *
 * <p>What Banyan never looks into, such as the branches of {@code If}, is carried as the bytes that
 * the file had.
 */
@NullMarked
package dev.banyan.graph.io;

import org.jspecify.annotations.NullMarked;
