/** Graphs as text, and the golden files that hold them. */
@NullMarked
package dev.banyan.graph.text;

import org.jspecify.annotations.NullMarked;
