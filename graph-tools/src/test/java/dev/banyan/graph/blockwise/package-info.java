@NullMarked
package dev.banyan.graph.blockwise;

import org.jspecify.annotations.NullMarked;
