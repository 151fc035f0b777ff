/** What the server tells of itself: {@link dev.banyan.server.telemetry.ServerMetrics}. */
@NullMarked
package dev.banyan.server.telemetry;

import org.jspecify.annotations.NullMarked;
