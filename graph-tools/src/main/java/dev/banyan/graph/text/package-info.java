/**
 * Graphs as text, close to ONNX's own textual format: for tests, golden files and a look into a
 * graph.
 *
 * <p>{@link dev.banyan.graph.text.GraphText} prints and parses it, and shows what it looks like.
 * Beside ONNX's format it has a type before a node's output, and notes behind a node.
 */
@NullMarked
package dev.banyan.graph.text;

import org.jspecify.annotations.NullMarked;
