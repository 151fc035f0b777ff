package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * The engine of one job of a gang: it has the job's parameters and updates them as a solo run does,
 * and leaves the gradients to the {@link Gang}.
 */
final class GangMember implements TrainingEngine {
  private final int job;
  private final Gang gang;
  private final BundleManifest manifest;
  private final AdapterSession eval;
  private final long padId;
  private final Arena arena = Arena.ofShared();
  private final TensorScope scope = new TensorScope();
  private final TrainedParameters parameters;
  private boolean closed;

  /**
   * What all jobs share.
   *
   * @param gang makes the passes
   * @param eval a session over the eval graph
   */
  record Shared(Gang gang, InferenceSession eval) {}

  /**
   * @param job its place among all jobs
   * @param padId the token that fills up short rows
   */
  GangMember(int job, Shared shared, TrainingStart start, long padId) {
    this.job = job;
    this.gang = shared.gang();
    this.manifest = start.bundle().manifest();
    this.padId = padId;
    this.parameters = new TrainedParameters(start, arena);
    this.eval = new AdapterSession(shared.eval(), parameters.values(scope));
  }

  @Override
  public float accumulate(Map<String, NativeTensor> feeds, double weight) {
    GangRows rows = new GangRows(manifest.task(), manifest.text().inputs(), feeds);
    float loss = gang.learn(job, new GangEngine.Part(rows, parameters), padId);
    parameters.accumulate(weight);
    return loss;
  }

  @Override
  public OptionalDouble gradientNorm() {
    return OptionalDouble.of(parameters.gradientNorm());
  }

  @Override
  public void update(double learningRate) {
    parameters.update(learningRate);
  }

  @Override
  public OutputTensors evaluate(Map<String, NativeTensor> feeds) {
    return eval.evaluate(feeds);
  }

  @Override
  public float[] predict(Map<String, NativeTensor> feeds) {
    return eval.predict(feeds);
  }

  @Override
  public List<Tensor> parameters() {
    return parameters.copies();
  }

  @Override
  public Checkpoint checkpoint() {
    return parameters.checkpoint();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    scope.close();
    arena.close();
  }
}
