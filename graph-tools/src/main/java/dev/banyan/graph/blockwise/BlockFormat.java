package dev.banyan.graph.blockwise;

import java.lang.foreign.SegmentAllocator;

/** How a matrix is stored in few bits. */
public sealed interface BlockFormat permits CodeFormat, NumberFormat {
  /**
   * Stores a matrix.
   *
   * @param name of the result's first tensor; those of the others begin with it
   * @param rows the matrix
   * @param allocator where the result lies
   */
  BlockMatrix quantize(String name, MatrixRows rows, SegmentAllocator allocator);
}
