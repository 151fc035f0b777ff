package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
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
  private final InferenceSession eval;
  private final long padId;
  private final Arena arena = Arena.ofShared();
  private final TensorScope scope = new TensorScope();
  private final TrainedParameters parameters;
  private final Map<String, NativeTensor> values = new LinkedHashMap<>();
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
    this.eval = shared.eval();
    this.manifest = start.bundle().manifest();
    this.padId = padId;
    this.parameters =
        new TrainedParameters(manifest.parameters(), start.checkpoint(), start.adamW(), arena);
    for (TrainedParameter parameter : parameters.all()) {
      values.put(parameter.spec().name(), parameter.view(scope, parameter.value()));
    }
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
    return eval.run(withParameters(feeds), outputs());
  }

  @Override
  public float[] predict(Map<String, NativeTensor> feeds) {
    String prediction =
        outputs().stream().filter(name -> !name.equals("loss")).findFirst().orElseThrow();
    Map<String, NativeTensor> known = withParameters(feeds);
    known.keySet().removeIf(name -> name.endsWith(LoraDropout.SUFFIX));
    try (OutputTensors outputs = eval.run(known, List.of(prediction))) {
      return outputs.floats(prediction);
    }
  }

  private List<String> outputs() {
    return eval.outputs().stream().map(TensorPort::name).toList();
  }

  private Map<String, NativeTensor> withParameters(Map<String, NativeTensor> feeds) {
    Map<String, NativeTensor> all = new LinkedHashMap<>(values);
    all.putAll(feeds);
    return all;
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
