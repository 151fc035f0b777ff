/** Types and shapes of values, observed by running the graph on ONNX Runtime. */
@NullMarked
package dev.banyan.graph.types;

import org.jspecify.annotations.NullMarked;
