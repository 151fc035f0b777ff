/**
 * ONNX Runtime's training checkpoint: the parameters that a training session starts from and leaves
 * behind. {@link dev.banyan.artifacts.checkpoint.CheckpointFile} reads and writes the file, {@link
 * dev.banyan.artifacts.checkpoint.Checkpoint} is its contents.
 *
 * {@snippet :
 * CheckpointFile.write(path, Checkpoint.fresh(List.of(loraA, loraB)));
 * Tensor trained = CheckpointFile.read(path).trainable().getFirst();
 * }
 */
@NullMarked
package dev.banyan.artifacts.checkpoint;

import org.jspecify.annotations.NullMarked;
