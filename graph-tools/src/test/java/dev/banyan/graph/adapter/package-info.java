/** One suite that every adapter method passes. */
@NullMarked
package dev.banyan.graph.adapter;

import org.jspecify.annotations.NullMarked;
