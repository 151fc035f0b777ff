/** Models and golden files that the tests of this module share. */
@NullMarked
package dev.banyan.graph;

import org.jspecify.annotations.NullMarked;
