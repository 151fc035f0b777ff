/** Tests of ONNX files in and out. */
@NullMarked
package dev.banyan.graph.io;

import org.jspecify.annotations.NullMarked;
