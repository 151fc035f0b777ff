package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.OptimizerState;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The parameters of one adapter with their gradients and AdamW's state. Clipping and AdamW are done
 * here, in the order of the parameters, so that the same gradients always give the same bytes.
 */
final class TrainedParameters {
  private static final double TINY = 1e-6;

  private final AdamW adamW;
  private final Optional<LoraFaProjection> projection;
  private final List<TrainedParameter> parameters = new ArrayList<>();
  private final List<TrainedParameter> trained = new ArrayList<>();
  private boolean stepBegun;
  private double norm = Double.NaN;
  private boolean normKnown;
  private long step;

  /**
   * Takes the values of a checkpoint, and the optimizer's state if it has one.
   *
   * @param start has them, the checkpoint, and how to update
   * @param arena owns the memory
   */
  TrainedParameters(TrainingStart start, Arena arena) {
    this.adamW = start.adamW();
    Checkpoint checkpoint = start.checkpoint();
    this.projection = LoraFaProjection.of(start);
    Map<String, Shape> shapes = new LinkedHashMap<>();
    checkpoint.trainable().forEach(tensor -> shapes.put(tensor.name(), tensor.shape()));
    for (ParameterSpec spec : start.parameters()) {
      Shape shape = shapes.get(spec.name());
      if (shape == null) {
        throw new IllegalArgumentException("The checkpoint has no '" + spec.name() + "'");
      }
      TrainedParameter parameter = new TrainedParameter(spec, shape, arena);
      parameter.load(checkpoint);
      parameters.add(parameter);
      if (spec.isTrained()) {
        trained.add(parameter);
      }
    }
    step = checkpoint.optimizer().map(OptimizerState::step).orElse(0L);
  }

  /** Each of them, in the bundle's order. */
  List<TrainedParameter> all() {
    return parameters;
  }

  /** Those that have gradients. */
  List<TrainedParameter> trained() {
    return trained;
  }

  /** Their values by name, as a graph's inputs. */
  Map<String, NativeTensor> values(TensorScope scope) {
    Map<String, NativeTensor> values = new LinkedHashMap<>();
    parameters.forEach(each -> values.put(each.spec().name(), each.view(scope, each.value())));
    return values;
  }

  /** Adds the gradients of a batch to those of the step. */
  void accumulate(double weight) {
    trained.forEach(parameter -> parameter.accumulate(!stepBegun, (float) weight));
    stepBegun = true;
    normKnown = false;
  }

  /** The L2 norm of the step's gradients before clipping, computed once a step. */
  double gradientNorm() {
    if (!normKnown) {
      norm = Math.sqrt(trained.stream().mapToDouble(TrainedParameter::squares).sum());
      normKnown = true;
    }
    return norm;
  }

  /** Updates from the gradients, and begins the next step. */
  void update(double learningRate) {
    double factor = adamW.clip() > 0 ? Math.min(1, adamW.clip() / (gradientNorm() + TINY)) : 1;
    step++;
    for (TrainedParameter parameter : trained) {
      double rate = learningRate * (isFast(parameter.spec()) ? adamW.loraPlusRatio() : 1);
      double decay = parameter.spec().decayed() ? adamW.weightDecay() : 0;
      AdamWStep own = AdamWStep.of(step, rate, decay, factor);
      projection.flatMap(each -> each.of(parameter.spec())).ifPresent(parameter::project);
      parameter.update(projection.isPresent() ? own.ofLoraFa() : own);
    }
    skip();
  }

  /** Copies of the step's gradients by parameter; then the next step begins. */
  Map<String, float[]> takeGradients() {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    trained.forEach(parameter -> gradients.put(parameter.spec().name(), parameter.sums()));
    skip();
    return gradients;
  }

  /** Begins the next step without the gradients of this one. */
  void skip() {
    stepBegun = false;
    normKnown = false;
  }

  /**
   * LoRA+ is about the factor that the scaling belongs to, and not about embeddings; PEFT's takes
   * vectors with it.
   */
  private static boolean isFast(ParameterSpec spec) {
    boolean factor = spec.scaled() && !spec.peftKey().endsWith(".lora_embedding_B");
    return factor || spec.dims().size() == 1;
  }

  /** A copy of the values. */
  List<Tensor> copies() {
    return parameters.stream().map(TrainedParameter::copy).toList();
  }

  /** A copy of all that the next step depends on. */
  Checkpoint checkpoint() {
    Map<String, List<Tensor>> moments = new LinkedHashMap<>();
    trained.forEach(parameter -> moments.put(parameter.spec().name(), parameter.moments()));
    return new Checkpoint(
        copies(), List.of(), Optional.of(new OptimizerState(step, 0, moments)), Map.of());
  }
}
