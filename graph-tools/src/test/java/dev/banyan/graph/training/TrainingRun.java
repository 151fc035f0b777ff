package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import dev.banyan.runtime.ort.TrainingFiles;
import dev.banyan.runtime.ort.TrainingSession;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Passes;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.LongStream;

/** Runs the training artifacts of a bundle as ONNX Runtime's users do. */
public final class TrainingRun {
  private TrainingRun() {}

  /**
   * The loss before each of some updates on one batch.
   *
   * @param batch the user inputs by name
   * @param start the parameters
   */
  static List<Float> losses(
      Bundle bundle, List<Tensor> start, Map<String, Tensor> batch, Path folder, int steps) {
    Path checkpoint = folder.resolve("checkpoint-" + start.getFirst().shape().dim(1));
    CheckpointFile.write(checkpoint, Checkpoint.fresh(start));
    TrainingFiles files =
        new TrainingFiles(
            checkpoint,
            bundle.file(Bundle.TRAINING_MODEL),
            bundle.file(Bundle.OPTIMIZER_MODEL),
            Optional.of(bundle.file(Bundle.EVAL_MODEL)));
    List<Float> losses = new ArrayList<>();
    try (TrainingSession session = TrainingSession.open(files, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      session.setLearningRate(1e-3f);
      Map<String, NativeTensor> feeds = feeds(scope, batch);
      for (int step = 0; step < steps; step++) {
        session.lazyResetGrad();
        try (OutputTensors out = session.trainStep(feeds)) {
          losses.add(out.scalar("loss"));
        }
        session.optimizerStep();
      }
    }
    return losses;
  }

  /** What one forward and backward pass gives. */
  record Pass(float loss, List<Float> prediction, Map<String, float[]> gradients) {}

  /** Runs the gradient graph. */
  static Pass pass(Bundle bundle, List<Tensor> parameters, Map<String, Tensor> batch) {
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.GRADIENT_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = feeds(scope, batch);
      feeds.putAll(parameters(scope, parameters));
      List<String> outputs = session.outputs().stream().map(port -> port.name()).toList();
      try (OutputTensors out = session.run(feeds, outputs)) {
        return pass(out, outputs.get(1), parameters, name -> out.floats(name + "_grad"));
      }
    }
  }

  /** Runs the training graph in a plain session, with the accumulation buffers as inputs. */
  static Pass accumulatedPass(Bundle bundle, List<Tensor> parameters, Map<String, Tensor> batch) {
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.TRAINING_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        Arena arena = Arena.ofConfined()) {
      Map<String, NativeTensor> feeds = feeds(scope, batch);
      feeds.putAll(parameters(scope, parameters));
      Map<String, MemorySegment> buffers = new LinkedHashMap<>();
      for (Tensor parameter : parameters) {
        MemorySegment buffer = arena.allocate(parameter.data().byteSize(), 64);
        buffers.put(parameter.name(), buffer);
        feeds.put(
            parameter.name() + "_grad.accumulation.buffer",
            scope.view(buffer, DType.FLOAT, parameter.shape()));
      }
      MemorySegment reset = arena.allocate(1);
      reset.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
      feeds.put("lazy_reset_grad", scope.view(reset, DType.BOOL, Shape.of(1)));
      List<String> outputs = session.outputs().stream().map(port -> port.name()).toList();
      try (OutputTensors out = session.run(feeds, outputs)) {
        return pass(
            out,
            outputs.get(1),
            parameters,
            name -> Objects.requireNonNull(buffers.get(name)).toArray(ValueLayout.JAVA_FLOAT));
      }
    }
  }

  private static Pass pass(
      OutputTensors out,
      String predictionName,
      List<Tensor> parameters,
      Function<String, float[]> gradient) {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    parameters.forEach(
        parameter -> gradients.put(parameter.name(), gradient.apply(parameter.name())));
    List<Float> prediction = new ArrayList<>();
    for (float value : out.floats(predictionName)) {
      prediction.add(value);
    }
    return new Pass(out.scalar("loss"), prediction, gradients);
  }

  private static Map<String, NativeTensor> parameters(TensorScope scope, List<Tensor> parameters) {
    Map<String, NativeTensor> feeds = new LinkedHashMap<>();
    for (Tensor parameter : parameters) {
      feeds.put(parameter.name(), scope.floats(parameter.floats(), parameter.shape().toArray()));
    }
    return feeds;
  }

  /** Random token ids without padding, as an encoder's three inputs. */
  static Map<String, Tensor> texts(int rows, int length) {
    SplittableRandom random = new SplittableRandom(5);
    Shape shape = Shape.of(rows, length);
    int elements = rows * length;
    long[] ids = LongStream.generate(() -> random.nextLong(2, 40)).limit(elements).toArray();
    long[] ones = LongStream.generate(() -> 1).limit(elements).toArray();
    Map<String, Tensor> batch = new LinkedHashMap<>();
    batch.put("input_ids", Tensor.ofLongs("input_ids", shape, ids));
    batch.put("attention_mask", Tensor.ofLongs("attention_mask", shape, ones));
    batch.put("token_type_ids", Tensor.ofLongs("token_type_ids", shape, new long[elements]));
    return batch;
  }

  /**
   * The loss of each step of a run at a high rate.
   *
   * @param data what is learned; the adapter goes beside it
   */
  static List<Float> losses(Bundle bundle, Path data, int steps) {
    TrainingPlan plan =
        TrainingPlan.defaults()
            .with(Passes.defaults().withEpochs(steps).withMaxSteps(steps))
            .with(new LearningRate.Constant(1e-2, 0));
    return new Trainer(bundle, plan, _ -> {})
        .train(
            new TrainingData(Dataset.read(data), Optional.empty()),
            data.resolveSibling("adapter-" + bundle.dir().getFileName()))
        .losses();
  }

  /** A batch whose labels count as they are: no smoothing, and the same weight for each. */
  static Map<String, Tensor> plainLoss(Map<String, Tensor> batch, int labels) {
    float[] ones = new float[labels];
    Arrays.fill(ones, 1);
    batch.put("label_smoothing", Tensor.ofFloats("label_smoothing", Shape.SCALAR, 0f));
    batch.put("class_weights", Tensor.ofFloats("class_weights", Shape.of(labels), ones));
    return batch;
  }

  /** The same scaling at each site of a bundle. */
  public static Tensor scaling(Bundle bundle, float value) {
    float[] values = new float[bundle.manifest().adapter().sites().size()];
    Arrays.fill(values, value);
    return Tensor.ofFloats("lora_scaling", Shape.of(values.length), values);
  }

  /** Tensors of whole numbers and of floats, by name, as inputs. */
  public static Map<String, NativeTensor> feeds(TensorScope scope, Map<String, Tensor> tensors) {
    Map<String, NativeTensor> feeds = new HashMap<>();
    tensors.forEach(
        (name, tensor) ->
            feeds.put(
                name,
                switch (tensor.type()) {
                  case INT64 -> scope.longs(tensor.longs(), tensor.shape().toArray());
                  case FLOAT -> scope.floats(tensor.floats(), tensor.shape().toArray());
                  default -> {
                    MemorySegment copy = scope.memory(tensor.data().byteSize());
                    yield scope.view(copy.copyFrom(tensor.data()), tensor.type(), tensor.shape());
                  }
                }));
    return feeds;
  }
}
