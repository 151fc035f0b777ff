/**
 * Answers for many tenants over HTTP, from one base model with many adapters; and the {@code
 * banyan} program.
 *
 * <p>A request's way, one package a step:
 *
 * <ol>
 *   <li>{@code api}: checks it against {@code openapi.yaml} and hands it to an operation on a
 *       virtual thread
 *   <li>{@code inference}: takes it through admission, acquires its adapter, tokenizes its texts
 *   <li>{@code adapter}: which version of the adapter answers, in which slot
 *   <li>{@code batch}: queues its rows; one thread runs them, mixed with those of others
 * </ol>
 *
 * <p>{@code wiring} constructs all of this, {@code telemetry} counts, {@code problem} says what can
 * be refused, {@code cli} has the {@code serve} command. {@link dev.banyan.server.Banyan} lists the
 * commands of all modules.
 */
@NullMarked
package dev.banyan.server;

import org.jspecify.annotations.NullMarked;
