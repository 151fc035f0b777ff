/**
 * From a file of records to padded batches.
 *
 * <pre>{@code
 * Dataset.read(file) -> DataRow -> Example -> TaskEncoder: TextTokenizer -> EncodedData
 *   -> ShuffledBatches.of(epoch) -> Batch.of and Targets.feed -> tensors of the graph
 * }</pre>
 *
 * <p>Each task has its kind of {@link dev.banyan.runtime.data.Example}, which says the keys it is
 * read from, and its kind of {@link dev.banyan.runtime.data.Targets}, which says what the graph is
 * fed. {@link dev.banyan.runtime.data.LabelSet} numbers the labels; {@link
 * dev.banyan.runtime.data.DataFailure} names the file and the line of what is wrong.
 */
@NullMarked
package dev.banyan.runtime.data;

import org.jspecify.annotations.NullMarked;
