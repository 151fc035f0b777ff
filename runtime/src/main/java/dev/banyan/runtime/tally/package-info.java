/**
 * From a model's answers to a score, batch by batch: {@link dev.banyan.runtime.tally.Tally} has a
 * case for each kind of {@link dev.banyan.runtime.data.Targets}. Training and {@code evaluate} add
 * up with the same ones, so they agree.
 */
@NullMarked
package dev.banyan.runtime.tally;

import org.jspecify.annotations.NullMarked;
