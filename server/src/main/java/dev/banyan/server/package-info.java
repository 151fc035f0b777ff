/** Placeholder tour of dev.banyan.server. */
@NullMarked
package dev.banyan.server;

import org.jspecify.annotations.NullMarked;
