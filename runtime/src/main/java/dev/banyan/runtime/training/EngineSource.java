package dev.banyan.runtime.training;

import dev.banyan.artifacts.integrity.WorkFolder;

/** Where a run gets what computes it. */
interface EngineSource {
  /**
   * Opens an engine, which its user closes.
   *
   * @param start what it starts from
   * @param folder for files of the run's own
   * @param padId the token that fills up short rows
   */
  TrainingEngine open(TrainingStart start, WorkFolder folder, long padId);

  /** An engine of the run's own. */
  static EngineSource alone(EngineKind kind) {
    return (start, folder, _) ->
        switch (kind) {
          case SESSION -> SessionTrainingEngine.open(start);
          case ORT_TRAINING -> OrtTrainingEngine.open(start, folder.path());
        };
  }
}
