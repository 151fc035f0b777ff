/** Placeholder tour of dev.banyan.artifacts. */
@NullMarked
package dev.banyan.artifacts;

import org.jspecify.annotations.NullMarked;
