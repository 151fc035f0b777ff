/**
 * Runs models: trains an adapter out of a prepared bundle, and answers with one base and many
 * adapters.
 *
 * <p>The flow, in folder order:
 *
 * <pre>{@code
 * data       JSONL or CSV -> Example -> Encoding and Targets -> padded, shuffled Batch
 * training   Bundle + batches -> Trainer (events on the way) -> PEFT adapter
 * inference  Bundle + PEFT adapters -> BaseModel with a SlotBank -> logits and embeddings per row
 * tally      answers to held-out examples -> score
 * report     what a run leaves behind: loss curve, figures of the process
 * cli        the commands train and evaluate
 * ort        ONNX Runtime, which only this package imports
 * }</pre>
 *
 * <p>Everything a user can mend fails with a {@link dev.banyan.runtime.RuntimeFailure}: one line
 * that says what was seen, what was expected and who acts.
 */
@NullMarked
package dev.banyan.runtime;

import org.jspecify.annotations.NullMarked;
