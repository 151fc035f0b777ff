/**
 * What Banyan promises about time, measured on all-MiniLM-L6-v2 by {@code benchmarks/run}.
 *
 * <ul>
 *   <li>{@link dev.banyan.benchmarks.BenchmarkCommand} is the entry.
 *   <li>{@link dev.banyan.benchmarks.MixedBatch}: a batch on many adapters against the bare model.
 *   <li>{@link dev.banyan.benchmarks.AdapterLoad}: from an adapter's folder to its slot.
 *   <li>{@link dev.banyan.benchmarks.StartUp}: from a process's start to its first step or answer.
 *   <li>{@link dev.banyan.benchmarks.MiniLm} and {@link dev.banyan.benchmarks.RandomAdapter} are
 *       what is measured, {@link dev.banyan.benchmarks.Samples} the times.
 * </ul>
 *
 * <p>What was found is in {@code docs/measurements.md}.
 */
@NullMarked
package dev.banyan.benchmarks;

import org.jspecify.annotations.NullMarked;
