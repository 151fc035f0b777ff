package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TrainingFiles;
import dev.banyan.runtime.ort.TrainingSession;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Trains with ORT's own training session over the four artifacts of a bundle. */
final class OrtTrainingEngine implements TrainingEngine {
  private final TrainingSession session;
  private final Path work;

  private OrtTrainingEngine(TrainingSession session, Path work) {
    this.session = session;
    this.work = work;
  }

  /** The graphs of a bundle with what a run replaces in it. */
  record Start(Bundle bundle, List<Tensor> parameters, RunOptimizer optimizer) {}

  /**
   * Loads a bundle's graphs.
   *
   * @param work an empty folder for the files of this run
   * @param evaluates whether {@link #evaluate} will be called, which loads one graph more
   */
  static OrtTrainingEngine open(
      Start start, Path work, boolean evaluates, SessionSettings settings) {
    Bundle bundle = start.bundle();
    Path checkpoint = work.resolve("checkpoint");
    CheckpointFile.write(checkpoint, Checkpoint.fresh(start.parameters()));
    Path optimizer = work.resolve(Bundle.OPTIMIZER_MODEL);
    start.optimizer().write(bundle.file(Bundle.OPTIMIZER_MODEL), optimizer);
    TrainingFiles files =
        new TrainingFiles(
            checkpoint,
            bundle.file(Bundle.TRAINING_MODEL),
            optimizer,
            evaluates ? Optional.of(bundle.file(Bundle.EVAL_MODEL)) : Optional.empty());
    return new OrtTrainingEngine(TrainingSession.open(files, settings), work);
  }

  @Override
  public float step(Map<String, NativeTensor> feeds, double learningRate) {
    session.lazyResetGrad();
    float loss;
    try (OutputTensors outputs = session.trainStep(feeds)) {
      loss = outputs.scalar("loss");
    }
    if (Float.isFinite(loss)) {
      session.setLearningRate((float) learningRate);
      session.optimizerStep();
    }
    return loss;
  }

  @Override
  public OutputTensors evaluate(Map<String, NativeTensor> feeds) {
    return session.evalStep(feeds);
  }

  @Override
  public List<Tensor> parameters() {
    Path file = work.resolve("trained");
    session.saveCheckpoint(file, false);
    return CheckpointFile.read(file).trainable();
  }

  @Override
  public void close() {
    session.close();
  }
}
