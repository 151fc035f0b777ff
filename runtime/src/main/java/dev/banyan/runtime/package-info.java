/** Placeholder tour of dev.banyan.runtime. */
@NullMarked
package dev.banyan.runtime;

import org.jspecify.annotations.NullMarked;
