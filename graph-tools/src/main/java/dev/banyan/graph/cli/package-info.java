/**
 * The commands of this module, one class each: {@link dev.banyan.graph.cli.PrepareCommand} makes a
 * bundle of a model, {@link dev.banyan.graph.cli.MergeCommand} a model of bundle and adapter.
 */
@NullMarked
package dev.banyan.graph.cli;

import org.jspecify.annotations.NullMarked;
