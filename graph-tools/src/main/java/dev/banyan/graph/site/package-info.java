/** The places of a graph that can carry an adapter, and the choice among them. */
@NullMarked
package dev.banyan.graph.site;

import org.jspecify.annotations.NullMarked;
