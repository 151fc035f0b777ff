@NullMarked
package dev.banyan.graph.quantize;

import org.jspecify.annotations.NullMarked;
