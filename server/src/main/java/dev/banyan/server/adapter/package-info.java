/**
 * Which adapters there are, which of them hold a slot of the model, and which version answers.
 *
 * <p>Start with {@link dev.banyan.server.adapter.AdapterRegistry}. {@link
 * dev.banyan.server.adapter.AdapterState} has the states and, in one switch, every transition.
 * {@link dev.banyan.server.adapter.AdapterFolder} finds adapters on disk and keeps requests inside
 * its root; {@link dev.banyan.server.adapter.AdapterSource} is how the registry sees the model.
 * {@link dev.banyan.server.adapter.Mixtures} has several adapters as one, in slots of its own.
 */
@NullMarked
package dev.banyan.server.adapter;

import org.jspecify.annotations.NullMarked;
