package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.OptimizerState;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Trains with a plain session over the gradient graph, which needs no training build of ONNX
 * Runtime. Parameters and gradients lie in memory of this engine that the session reads and writes
 * in place; clipping and AdamW are done here, in the order of the parameters, so that the same
 * gradients always give the same bytes.
 */
final class SessionTrainingEngine implements TrainingEngine {
  private static final String LOSS = "loss";
  private static final double TINY = 1e-6;

  private final InferenceSession gradients;
  private final @Nullable InferenceSession eval;
  private final Arena arena;
  private final TensorScope scope;
  private final AdamW adamW;
  private final List<TrainedParameter> parameters = new ArrayList<>();
  private final Map<String, NativeTensor> values = new LinkedHashMap<>();
  private final Map<String, NativeTensor> pinned = new LinkedHashMap<>();
  private boolean stepBegun;
  private OptionalDouble norm = OptionalDouble.empty();
  private long step;
  private boolean closed;

  @SuppressWarnings("MustBeClosedChecker") // close() closes the arena.
  private SessionTrainingEngine(
      TrainingStart start, InferenceSession gradients, @Nullable InferenceSession eval) {
    this.gradients = gradients;
    this.eval = eval;
    this.adamW = start.adamW();
    this.arena = Arena.ofShared();
    this.scope = new TensorScope();
    load(start.bundle().manifest().parameters(), start.checkpoint());
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

  private void load(List<ParameterSpec> specs, Checkpoint checkpoint) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    checkpoint.trainable().forEach(tensor -> shapes.put(tensor.name(), tensor.shape()));
    for (ParameterSpec spec : specs) {
      Shape shape = shapes.get(spec.name());
      if (shape == null) {
        throw new IllegalArgumentException("The checkpoint has no '" + spec.name() + "'");
      }
      TrainedParameter parameter = new TrainedParameter(spec, shape, arena);
      parameter.load(checkpoint);
      parameters.add(parameter);
      values.put(spec.name(), scope.view(parameter.value(), DType.FLOAT, shape));
      pinned.put(gradientOf(spec), scope.view(parameter.gradient(), DType.FLOAT, shape));
    }
    step = checkpoint.optimizer().map(OptimizerState::step).orElse(0L);
  }

  /** The gradient graph's output that belongs to a parameter. */
  private static String gradientOf(ParameterSpec spec) {
    return spec.name() + "_grad";
  }

  @Override
  public float accumulate(Map<String, NativeTensor> feeds, double weight) {
    float loss;
    try (OutputTensors outputs = gradients.run(withParameters(feeds), List.of(LOSS), pinned)) {
      loss = outputs.scalar(LOSS);
    }
    parameters.forEach(parameter -> parameter.accumulate(!stepBegun, (float) weight));
    stepBegun = true;
    norm = OptionalDouble.empty();
    return loss;
  }

  @Override
  public OptionalDouble gradientNorm() {
    return OptionalDouble.of(norm());
  }

  @Override
  public void update(double learningRate) {
    double factor = adamW.clip() > 0 ? Math.min(1, adamW.clip() / (norm() + TINY)) : 1;
    step++;
    for (TrainedParameter parameter : parameters) {
      double rate = learningRate * (isLoraB(parameter) ? adamW.loraPlusRatio() : 1);
      double decay = parameter.spec().decayed() ? adamW.weightDecay() : 0;
      parameter.update(step, rate, decay, factor);
    }
    stepBegun = false;
    norm = OptionalDouble.empty();
  }

  /** LoRA+ is about the factor that the scaling belongs to. */
  private static boolean isLoraB(TrainedParameter parameter) {
    return parameter.spec().scaled();
  }

  /** Computed once a step. */
  private double norm() {
    if (norm.isEmpty()) {
      norm =
          OptionalDouble.of(
              Math.sqrt(parameters.stream().mapToDouble(TrainedParameter::squares).sum()));
    }
    return norm.getAsDouble();
  }

  @Override
  public OutputTensors evaluate(Map<String, NativeTensor> feeds) {
    if (eval == null) {
      throw new IllegalStateException("The engine was opened without evaluation");
    }
    return eval.run(
        withParameters(feeds), eval.outputs().stream().map(port -> port.name()).toList());
  }

  @Override
  public float[] predict(Map<String, NativeTensor> feeds) {
    String prediction =
        gradients.outputs().stream()
            .map(TensorPort::name)
            .filter(name -> !name.equals(LOSS) && !name.endsWith("_grad"))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("The graph predicts nothing"));
    InferenceSession session = eval == null ? gradients : eval;
    try (OutputTensors outputs = session.run(withParameters(feeds), List.of(prediction))) {
      return outputs.floats(prediction);
    }
  }

  private Map<String, NativeTensor> withParameters(Map<String, NativeTensor> feeds) {
    Map<String, NativeTensor> all = new LinkedHashMap<>(values);
    all.putAll(feeds);
    return all;
  }

  @Override
  public List<Tensor> parameters() {
    return parameters.stream().map(TrainedParameter::copy).toList();
  }

  @Override
  public Checkpoint checkpoint() {
    Map<String, List<Tensor>> moments = new LinkedHashMap<>();
    parameters.forEach(parameter -> moments.put(parameter.spec().name(), parameter.moments()));
    return new Checkpoint(
        parameters(), List.of(), Optional.of(new OptimizerState(step, 0, moments)), Map.of());
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    gradients.close();
    if (eval != null) {
      eval.close();
    }
    scope.close();
    arena.close();
  }
}
