/** Tests of where adapters can go. */
@NullMarked
package dev.banyan.graph.site;

import org.jspecify.annotations.NullMarked;
