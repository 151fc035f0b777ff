package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Trains with a plain session over the gradient graph, which needs no training build of ONNX
 * Runtime. Parameters and gradients lie in memory of this engine that the session reads and writes
 * in place.
 */
final class SessionTrainingEngine implements TrainingEngine {
  private static final String LOSS = AdapterSession.LOSS;
  private static final String SCALE = LossScale.INPUT;

  private final AdapterSession gradients;
  private final @Nullable AdapterSession eval;
  private final Arena arena;
  private final TensorScope scope;
  private final TrainedParameters parameters;
  private final Map<String, NativeTensor> pinned = new LinkedHashMap<>();
  private final Optional<LossScale> scale;
  private final MemorySegment scaleValue;
  private boolean closed;

  @SuppressWarnings("MustBeClosedChecker") // close() closes the arena.
  private SessionTrainingEngine(
      TrainingStart start, InferenceSession gradients, @Nullable InferenceSession eval) {
    this.arena = Arena.ofShared();
    this.scope = new TensorScope();
    boolean scaled = gradients.inputs().stream().anyMatch(port -> port.name().equals(SCALE));
    this.scale = scaled ? Optional.of(LossScale.of(start.checkpoint())) : Optional.empty();
    this.scaleValue = arena.allocate(ValueLayout.JAVA_FLOAT);
    this.parameters = new TrainedParameters(start, arena);
    for (TrainedParameter parameter : parameters.trained()) {
      pinned.put(parameter.spec().name() + "_grad", parameter.view(scope, parameter.gradient()));
    }
    Map<String, NativeTensor> values = parameters.values(scope);
    this.eval = eval == null ? null : new AdapterSession(eval, Map.copyOf(values));
    if (scaled) {
      values.put(SCALE, scope.view(scaleValue, DType.FLOAT, Shape.SCALAR));
    }
    this.gradients = new AdapterSession(gradients, values);
  }

  /**
   * Loads a bundle's graphs.
   *
   * @throws dev.banyan.runtime.ort.OrtFailure if one of them is refused
   */
  static SessionTrainingEngine open(TrainingStart start) {
    Bundle bundle = start.bundle();
    boolean above = start.abovePrefix();
    String training = above ? Bundle.SUFFIX_GRADIENT_MODEL : Bundle.GRADIENT_MODEL;
    String judging = above ? Bundle.SUFFIX_EVAL_MODEL : Bundle.EVAL_MODEL;
    InferenceSession gradients = InferenceSession.open(bundle.file(training), start.session());
    InferenceSession eval = null;
    boolean done = false;
    try {
      if (start.evaluates()) {
        eval = InferenceSession.open(bundle.file(judging), start.session());
      }
      SessionTrainingEngine engine = new SessionTrainingEngine(start, gradients, eval);
      done = true;
      return engine;
    } finally {
      if (!done) {
        gradients.close();
        if (eval != null) {
          eval.close();
        }
      }
    }
  }

  @Override
  public float accumulate(Map<String, NativeTensor> feeds, double weight) {
    float factor = scale.map(LossScale::value).orElse(1f);
    scaleValue.set(ValueLayout.JAVA_FLOAT, 0, factor);
    float loss;
    try (OutputTensors outputs =
        gradients.session().run(gradients.with(feeds), List.of(LOSS), pinned)) {
      loss = outputs.scalar(LOSS);
    }
    parameters.accumulate(weight / factor);
    return loss;
  }

  @Override
  public OptionalDouble gradientNorm() {
    return OptionalDouble.of(parameters.gradientNorm());
  }

  @Override
  public boolean mayOverflow() {
    return scale.map(LossScale::canShrink).orElse(false);
  }

  @Override
  public Map<String, float[]> takeGradients() {
    return parameters.takeGradients();
  }

  @Override
  public void update(double learningRate) {
    if (scale.isPresent()) {
      if (!Double.isFinite(parameters.gradientNorm())) {
        scale.get().shrink();
        parameters.skip();
        return;
      }
      scale.get().stepped();
    }
    parameters.update(learningRate);
  }

  @Override
  public OutputTensors evaluate(Map<String, NativeTensor> feeds) {
    if (eval == null) {
      throw new IllegalStateException("The engine was opened without evaluation");
    }
    return eval.evaluate(feeds);
  }

  @Override
  public float[] predict(Map<String, NativeTensor> feeds) {
    return (eval == null ? gradients : eval).predict(feeds);
  }

  @Override
  public List<Tensor> parameters() {
    return parameters.copies();
  }

  @Override
  public Checkpoint checkpoint() {
    Checkpoint state = parameters.checkpoint();
    return new Checkpoint(
        state.trainable(),
        state.frozen(),
        state.optimizer(),
        scale.map(LossScale::properties).orElse(Map.of()));
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    gradients.session().close();
    if (eval != null) {
      eval.session().close();
    }
    scope.close();
    arena.close();
  }
}
