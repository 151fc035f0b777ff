/**
 * Mixed precision: {@link dev.banyan.graph.precision.HalfPrecision} writes the costly products of a
 * graph in 16 bits, and casts where 32 are needed.
 */
@NullMarked
package dev.banyan.graph.precision;

import org.jspecify.annotations.NullMarked;
