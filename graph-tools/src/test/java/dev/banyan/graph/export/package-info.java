/** Adapters in the forms of other programs, held against base and adapter. */
@NullMarked
package dev.banyan.graph.export;

import org.jspecify.annotations.NullMarked;
