/** Tests of the rewriting of fused operators. */
@NullMarked
package dev.banyan.graph.lowering;

import org.jspecify.annotations.NullMarked;
