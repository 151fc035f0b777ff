/** Placeholder tour of dev.banyan.benchmarks. */
@NullMarked
package dev.banyan.benchmarks;

import org.jspecify.annotations.NullMarked;
