/**
 * The {@code serve} command. It touches no server class before it runs, so that {@code banyan}
 * starts fast.
 */
@NullMarked
package dev.banyan.server.cli;

import org.jspecify.annotations.NullMarked;
