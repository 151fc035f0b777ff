/**
 * From a file of texts to padded batches.
 *
 * <pre>{@code
 * Dataset.read(file) -> Example -> TextTokenizer.encodeAll -> Encoding
 *   -> ShuffledBatches.of(epoch) -> Batch.of -> tensors of the graph
 * }</pre>
 *
 * <p>{@link dev.banyan.runtime.data.LabelSet} numbers the labels; {@link
 * dev.banyan.runtime.data.DataFailure} names the file and the line of what is wrong.
 */
@NullMarked
package dev.banyan.runtime.data;

import org.jspecify.annotations.NullMarked;
