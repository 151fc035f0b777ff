package dev.banyan.artifacts.checkpoint;

import dev.banyan.artifacts.integrity.ArtifactTooNew;
import dev.banyan.artifacts.integrity.ArtifactTooOld;
import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * The file of a {@link Checkpoint}: a FlatBuffer with the identifier {@code ODTC}, as in ONNX
 * Runtime's schema {@code ort_training_checkpoint.fbs}. Vtable offsets:
 *
 * <pre>
 * Checkpoint               version:int32 4, module_state 6, optimizer_groups 8, property_bag 10
 * ModuleState              requires_grad_params 4, frozen_params 6, is_nominal_state 8, has_external_data 10
 * OptimizerGroup           group_name 4, step:int64 6, initial_learning_rate:float 8, optimizer_states 10
 * ParameterOptimizerState  param_name 4, momentums 6
 * PropertyBag              ints 4, floats 6, strings 8; each: name 4, value 6
 * Tensor                   name 4, doc_string 6, dims 8, data_type 10, raw_data 12, string_data 14,
 *                          external_data_offset:int64 = -1 16
 * </pre>
 *
 * <p>The format has no checksum: damage is found where it breaks the structure, not inside a
 * number.
 */
public final class CheckpointFile {
  static final String IDENTIFIER = "ODTC";
  static final int VERSION = 2;
  static final String GROUP = "group0";
  static final String MOMENT = "momentum";

  private CheckpointFile() {}

  /**
   * Reads a checkpoint, also one that ONNX Runtime wrote, with or without a {@code .data} file. The
   * tensors are copies, because ONNX Runtime rewrites its checkpoints in place.
   *
   * @throws CorruptArtifact if it is damaged
   * @throws ArtifactTooOld if its version is older than 2
   * @throws ArtifactTooNew if its version is newer than 2
   * @throws UnusableArtifact if there is no such file, or it holds names without values, or more
   *     than one optimizer group
   */
  public static Checkpoint read(Path file) {
    return new CheckpointReader(file).read();
  }

  /**
   * Writes a checkpoint atomically, with all tensors inside, in their order here.
   *
   * @throws UnusableArtifact if it would have 2 GiB or more
   * @throws UncheckedIOException if the disk fails
   */
  public static void write(Path file, Checkpoint checkpoint) {
    new CheckpointWriter(file, checkpoint).write();
  }
}
