/** Placeholder tour of dev.banyan.graph. */
@NullMarked
package dev.banyan.graph;

import org.jspecify.annotations.NullMarked;
