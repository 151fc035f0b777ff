/** Named bytes with an element type and a shape: what every file format of this module carries. */
@NullMarked
package dev.banyan.artifacts.tensor;

import org.jspecify.annotations.NullMarked;
