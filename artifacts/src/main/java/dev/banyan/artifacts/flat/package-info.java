/**
 * What ONNX Runtime's two FlatBuffers formats share: {@link dev.banyan.artifacts.flat.FlatTable}
 * reads tables of a buffer that nobody vouches for, {@link dev.banyan.artifacts.flat.FlatWriter}
 * writes the kinds of fields that tensors need. The formats themselves are in {@code checkpoint}
 * and {@code adapter}.
 */
@NullMarked
package dev.banyan.artifacts.flat;

import org.jspecify.annotations.NullMarked;
