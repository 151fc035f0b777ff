/**
 * {@code banyan quickstart}: the main job, end to end, on an embedded model and three embedded data
 * sets.
 *
 * <p>It is written against the public entries of the modules, so it reads as an example of them:
 * {@link dev.banyan.server.quickstart.QuickstartCommand} is the table of contents, one method a
 * step.
 */
@NullMarked
package dev.banyan.server.quickstart;

import org.jspecify.annotations.NullMarked;
