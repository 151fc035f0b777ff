/**
 * {@code banyan compare}: trains the same data with several adapter methods, and sets down what
 * each takes and gives.
 *
 * <ul>
 *   <li>{@link dev.banyan.server.compare.CompareCommand} is the command,
 *   <li>{@link dev.banyan.server.compare.Comparison} goes through the methods,
 *   <li>{@link dev.banyan.server.compare.TrainingProcess} trains in a process of its own, whose
 *       memory is the method's alone,
 *   <li>{@link dev.banyan.server.compare.ServingCost} times a batch of adapters against the bare
 *       base,
 *   <li>{@link dev.banyan.server.compare.ComparisonTable} and {@link
 *       dev.banyan.server.compare.ComparisonPicture} are what is left.
 * </ul>
 */
@NullMarked
package dev.banyan.server.compare;

import org.jspecify.annotations.NullMarked;
