/**
 * HTTP: what comes in is checked against {@code openapi.yaml}, handed to an operation, and
 * answered.
 *
 * <p>{@link dev.banyan.server.api.HttpApi} has the table of operations. To add an endpoint,
 * describe it in {@code openapi.yaml} and add a row there. Operations run on a thread of their own
 * and may wait; what they throw becomes an RFC 9457 problem.
 */
@NullMarked
package dev.banyan.server.api;

import org.jspecify.annotations.NullMarked;
