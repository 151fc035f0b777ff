/**
 * How the parts become a server: {@link dev.banyan.server.wiring.Wiring} constructs them from a
 * {@link dev.banyan.server.wiring.ServerConfig}; {@link dev.banyan.server.wiring.RunningServer} is
 * the result, and ends it.
 */
@NullMarked
package dev.banyan.server.wiring;

import org.jspecify.annotations.NullMarked;
