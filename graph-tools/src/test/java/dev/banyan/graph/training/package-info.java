/** Tests of bundles, from small exports and from MiniLM. */
@NullMarked
package dev.banyan.graph.training;

import org.jspecify.annotations.NullMarked;
