package dev.banyan.runtime.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtTrainingSession;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ORT's training loop over the artifacts of a bundle. It owns parameters, gradients and optimizer
 * state; trained values come out through {@link #saveCheckpoint}.
 *
 * <p>One step: {@link #lazyResetGrad}, {@link #trainStep} (more than once to accumulate), {@link
 * #setLearningRate}, {@link #optimizerStep}. The learning rate is 0.001 until it is set, also after
 * a checkpoint with optimizer state was loaded.
 */
public final class TrainingSession implements AutoCloseable {
  private final OrtTrainingSession session;
  private final List<String> inputNames;
  private final List<String> evalInputNames;
  private boolean closed;

  private TrainingSession(OrtTrainingSession session, boolean evaluates) {
    this.session = session;
    this.inputNames = List.copyOf(session.getTrainInputNames());
    this.evalInputNames = evaluates ? List.copyOf(session.getEvalInputNames()) : List.of();
  }

  /**
   * Loads the artifacts.
   *
   * @throws OrtFailure if the natives, the device or a file cannot be used
   */
  public static TrainingSession open(TrainingFiles files, SessionSettings settings) {
    var environment = OrtRuntime.environment();
    if (!environment.isTrainingEnabled()) {
      throw new OrtFailure.NoNativeLibrary(
          "The ONNX Runtime that was loaded cannot train; unset onnxruntime.native.path so that Banyan loads its own",
          null);
    }
    try (SessionOptions options = settings.open()) {
      return new TrainingSession(
          environment.createTrainingSession(
              files.checkpoint().toString(),
              files.trainingModel().toString(),
              files.evalModel().map(Path::toString).orElse(null),
              files.optimizerModel().toString(),
              options),
          files.evalModel().isPresent());
    } catch (OrtException e) {
      throw new OrtFailure.ModelRejected(files.trainingModel(), e);
    }
  }

  /** The user inputs of the training graph, in its order. */
  public List<String> inputNames() {
    return inputNames;
  }

  /**
   * Computes the loss and adds to the gradients.
   *
   * @param feeds one tensor for each of {@link #inputNames}, in any order
   * @return the user outputs of the graph, for instance {@code loss} and {@code logits}
   * @throws OrtFailure.RunFailed if an input is missing or unknown, or a kernel fails
   */
  public OutputTensors trainStep(Map<String, NativeTensor> feeds) {
    try {
      return new OutputTensors(session.trainStep(inOrder(feeds, inputNames)));
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("A training step failed", e);
    }
  }

  /**
   * Computes the loss alone.
   *
   * @param feeds one tensor for each user input of the eval graph, in any order
   * @throws OrtFailure.RunFailed if the session was opened without an eval graph, an input is
   *     missing or unknown, or a kernel fails
   */
  public OutputTensors evalStep(Map<String, NativeTensor> feeds) {
    try {
      return new OutputTensors(session.evalStep(inOrder(feeds, evalInputNames)));
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("An evaluation step failed", e);
    }
  }

  /** ORT passes values by position, in the map's order, and ignores the names: so we order them. */
  private Map<String, OnnxTensor> inOrder(Map<String, NativeTensor> feeds, List<String> names) {
    Map<String, OnnxTensor> ordered = LinkedHashMap.newLinkedHashMap(names.size());
    for (String name : names) {
      NativeTensor tensor = feeds.get(name);
      if (tensor != null) {
        ordered.put(name, tensor.value());
      }
    }
    if (ordered.size() != names.size() || feeds.size() != names.size()) {
      throw new OrtFailure.RunFailed(
          "The graph takes the inputs " + names + " and was fed " + feeds.keySet(), null);
    }
    return ordered;
  }

  /** Updates the parameters from the gradients. */
  public void optimizerStep() {
    try {
      session.optimizerStep();
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("An optimizer step failed", e);
    }
  }

  /** Makes the next {@link #trainStep} overwrite the gradients instead of adding to them. */
  public void lazyResetGrad() {
    try {
      session.lazyResetGrad();
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("Resetting gradients failed", e);
    }
  }

  /** Sets the step size of the following updates. */
  public void setLearningRate(float rate) {
    try {
      session.setLearningRate(rate);
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("Setting the learning rate failed", e);
    }
  }

  /**
   * Writes the parameters as they are now.
   *
   * @param withOptimizer whether the optimizer's state goes along, as a resume needs it
   */
  public void saveCheckpoint(Path file, boolean withOptimizer) {
    try {
      session.saveCheckpoint(file, withOptimizer);
    } catch (OrtException e) {
      throw new OrtFailure.RunFailed("Saving the checkpoint " + file + " failed", e);
    }
  }

  /** Unloads the graphs; closing twice does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      session.close();
    }
  }
}
