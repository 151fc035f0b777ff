/**
 * What a run writes while it goes on, for programs and people: {@link
 * dev.banyan.runtime.log.JsonLinesLog} a line of JSON an event, {@link
 * dev.banyan.runtime.log.TensorBoardLog} curves for TensorBoard, {@link
 * dev.banyan.runtime.log.RunPage} one HTML page at the end. Each hears the events of a run; {@link
 * dev.banyan.runtime.log.RunLogs} are those that a user asked for.
 */
@NullMarked
package dev.banyan.runtime.log;

import org.jspecify.annotations.NullMarked;
