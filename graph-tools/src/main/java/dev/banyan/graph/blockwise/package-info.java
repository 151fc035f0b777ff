/**
 * Matrices that are stored in few bits, in blocks of numbers that share a scale, and the way there
 * and back.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.blockwise.BlockFormat}: how a matrix is to be stored; it makes a
 *       {@link dev.banyan.graph.blockwise.BlockMatrix} of {@link
 *       dev.banyan.graph.blockwise.MatrixRows}, a row at a time.
 *   <li>{@link dev.banyan.graph.blockwise.CodeMatrix}: codes of a table, as {@code MatMulBnb4}
 *       reads them (NF4, FP4); {@link dev.banyan.graph.blockwise.NumberMatrix}: whole numbers, as
 *       {@code MatMulNBits} reads them.
 *   <li>{@link dev.banyan.graph.blockwise.WeightError}: what was lost.
 * </ul>
 */
@NullMarked
package dev.banyan.graph.blockwise;

import org.jspecify.annotations.NullMarked;
