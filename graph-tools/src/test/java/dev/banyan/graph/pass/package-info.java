/** Each pass: text in, pass, text out. */
@NullMarked
package dev.banyan.graph.pass;

import org.jspecify.annotations.NullMarked;
