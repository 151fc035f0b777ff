package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.TrainingFiles;
import dev.banyan.runtime.ort.TrainingSession;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Trains with ORT's own training session over the four artifacts of a bundle. Its optimizer has one
 * weight decay and one learning rate for all parameters, biases included.
 */
final class OrtTrainingEngine implements TrainingEngine {
  private final TrainingSession session;
  private final Path work;
  private final boolean evaluates;

  private OrtTrainingEngine(TrainingSession session, Path work, boolean evaluates) {
    this.session = session;
    this.work = work;
    this.evaluates = evaluates;
  }

  /**
   * Loads a bundle's graphs.
   *
   * @param work an empty folder for the files of this run
   */
  static OrtTrainingEngine open(TrainingStart start, Path work) {
    AdamW adamW = start.adamW();
    Bundle bundle = start.bundle();
    Path checkpoint = work.resolve("checkpoint");
    CheckpointFile.write(checkpoint, start.checkpoint());
    Path optimizer = work.resolve(Bundle.OPTIMIZER_MODEL);
    int parameters = start.checkpoint().trainable().size();
    new RunOptimizer(adamW.weightDecay(), adamW.clip(), parameters)
        .write(bundle.file(Bundle.OPTIMIZER_MODEL), optimizer);
    TrainingFiles files =
        new TrainingFiles(
            checkpoint,
            bundle.file(Bundle.TRAINING_MODEL),
            optimizer,
            start.evaluates() ? Optional.of(bundle.file(Bundle.EVAL_MODEL)) : Optional.empty());
    TrainingSession session = TrainingSession.open(files, start.session());
    if (session.inputNames().contains(LossScale.INPUT)) {
      session.close();
      throw new IllegalArgumentException(
          "engine is ort-training; expected session for a bundle of --precision fp16, whose loss is"
              + " scaled");
    }
    session.lazyResetGrad();
    return new OrtTrainingEngine(session, work, start.evaluates());
  }

  /**
   * Refuses what ONNX Runtime's training session cannot do.
   *
   * @throws IllegalArgumentException that names it, and the engine that can
   */
  static void requireCan(List<ParameterSpec> parameters, TrainingPlan plan) {
    String other = "1 with --engine ort-training; --engine session can do more";
    int batches = plan.passes().accumulation();
    Require.that(batches == 1, "accumulation", batches, other);
    double ratio = plan.adamW().loraPlusRatio();
    Require.that(ratio == 1, "lora-plus-ratio", ratio, other);
    for (ParameterSpec spec : parameters) {
      String method = spec.method().map(MethodName::text).orElse("");
      Require.that(
          spec.isTrained(),
          "engine",
          "ort-training",
          "session for a bundle of the method " + method + ", of which a part is not trained");
    }
  }

  @Override
  public float accumulate(Map<String, NativeTensor> feeds, double weight) {
    if (weight != 1) {
      throw new IllegalArgumentException(
          "ONNX Runtime's training session adds gradients up without weights; a step is one batch");
    }
    try (OutputTensors outputs = session.trainStep(feeds)) {
      return outputs.scalar("loss");
    }
  }

  /** ONNX Runtime keeps its gradients to itself; what is wrong with them shows in the next loss. */
  @Override
  public OptionalDouble gradientNorm() {
    return OptionalDouble.empty();
  }

  @Override
  public void update(double learningRate) {
    session.setLearningRate((float) learningRate);
    session.optimizerStep();
    session.lazyResetGrad();
  }

  @Override
  public OutputTensors evaluate(Map<String, NativeTensor> feeds) {
    return session.evalStep(feeds);
  }

  @Override
  public float[] predict(Map<String, NativeTensor> feeds) {
    try (OutputTensors outputs =
        evaluates ? session.evalStep(withoutMasks(feeds)) : session.trainStep(feeds)) {
      return outputs.names().stream()
          .filter(name -> !name.equals("loss"))
          .findFirst()
          .map(outputs::floats)
          .orElseThrow(() -> new IllegalStateException("The graph predicts nothing"));
    } finally {
      // Without an eval graph this has added to the gradients.
      session.lazyResetGrad();
    }
  }

  private static Map<String, NativeTensor> withoutMasks(Map<String, NativeTensor> feeds) {
    Map<String, NativeTensor> others = new LinkedHashMap<>(feeds);
    others.keySet().removeIf(name -> name.endsWith(LoraDropout.SUFFIX));
    return others;
  }

  @Override
  public List<Tensor> parameters() {
    return saved(false).trainable();
  }

  @Override
  public Checkpoint checkpoint() {
    return saved(true);
  }

  private Checkpoint saved(boolean withOptimizer) {
    Path file = work.resolve("trained");
    session.saveCheckpoint(file, withOptimizer);
    return CheckpointFile.read(file);
  }

  @Override
  public void close() {
    session.close();
  }
}
