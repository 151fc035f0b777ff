/**
 * The event files that TensorBoard draws its curves from. {@link
 * dev.banyan.artifacts.events.EventFile} writes one.
 *
 * {@snippet :
 * try (EventFile events = EventFile.create(folder)) {
 *   events.scalars(1, Map.of("train/loss", 0.69f));
 * }
 * }
 */
@NullMarked
package dev.banyan.artifacts.events;

import org.jspecify.annotations.NullMarked;
