/** Tests of the commands. */
@NullMarked
package dev.banyan.graph.cli;

import org.jspecify.annotations.NullMarked;
