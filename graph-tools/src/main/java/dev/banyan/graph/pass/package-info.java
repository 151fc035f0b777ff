/**
 * Passes that clean a graph. Each rewrites in place and keeps what the graph computes.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.pass.RemoveUnused}: nodes and constants that no output needs.
 * </ul>
 */
@NullMarked
package dev.banyan.graph.pass;

import org.jspecify.annotations.NullMarked;
