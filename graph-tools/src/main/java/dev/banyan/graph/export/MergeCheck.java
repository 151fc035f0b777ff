package dev.banyan.graph.export;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleFile;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.MergeReport.Answers;
import dev.banyan.graph.training.RandomBatch;
import dev.banyan.runtime.data.Vocabulary;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/** Holds a merged model against base and adapter side by side, on random texts. */
final class MergeCheck {
  /**
   * Of the largest element of an answer, or of 1. The merged sum rounds each weight once where the
   * other path rounds each activation; measured differences are near 1e-6.
   */
  private static final double TOLERANCE = 1e-4;

  private static final int BATCHES = 3;

  /** Pairs and triplets of rows are whole. */
  private static final int ROWS = 6;

  private static final int LENGTH = 16;

  private final Bundle bundle;
  private final AdapterWeights weights;
  private final BaseValues base;

  MergeCheck(Bundle bundle, AdapterWeights weights) {
    this.bundle = bundle;
    this.weights = weights;
    this.base = BaseValues.of(bundle);
  }

  /**
   * Holds a model against base and adapter that is to answer as they do.
   *
   * @throws NotMergeable if a difference is above 1e-4, with the numbers
   */
  Answers exact(Path merged) {
    List<RandomBatch> batches = batches();
    // One after the other: both at once would need twice the memory of the base.
    List<Map<String, float[]>> seen = answers(merged, batches, false);
    return new Answers(
        furthest(seen, answers(evalModel(), batches, false), TOLERANCE), OptionalDouble.empty());
  }

  /**
   * Holds a model whose weights are stored in few bits against base and adapter. No difference is
   * too large; to be judged by it stands beside that of the base without its adapter.
   *
   * @throws NotMergeable if an answer is not finite
   */
  Answers rounded(Path merged) {
    List<RandomBatch> batches = batches();
    List<Map<String, float[]>> seen = answers(merged, batches, false);
    List<Map<String, float[]>> bare = answers(evalModel(), batches, true);
    List<Map<String, float[]>> expected = answers(evalModel(), batches, false);
    return new Answers(
        furthest(seen, expected, Double.MAX_VALUE),
        OptionalDouble.of(furthest(bare, expected, Double.MAX_VALUE)));
  }

  private Path evalModel() {
    return bundle.file(Bundle.EVAL_MODEL);
  }

  private List<RandomBatch> batches() {
    SplittableRandom random = new SplittableRandom(42);
    long vocabulary = Vocabulary.rows(OnnxFile.read(evalModel())).orElse(1);
    int length = Math.min(LENGTH, bundle.manifest().text().maxLength());
    List<RandomBatch> batches = new ArrayList<>();
    for (int i = 0; i < BATCHES; i++) {
      batches.add(RandomBatch.of(random, vocabulary, ROWS, length));
    }
    return batches;
  }

  private static double furthest(
      List<Map<String, float[]>> seen, List<Map<String, float[]>> expected, double tolerance) {
    double largest = 0;
    for (int i = 0; i < BATCHES; i++) {
      for (var answer : seen.get(i).entrySet()) {
        float[] other = expected.get(i).get(answer.getKey());
        if (other != null) {
          Pair pair = new Pair(answer.getValue(), other);
          largest = Math.max(largest, pair.difference(answer.getKey(), tolerance));
        }
      }
    }
    return largest;
  }

  /** What two models answer. */
  private static final class Pair {
    private final float[] merged;
    private final float[] expected;

    Pair(float[] merged, float[] expected) {
      this.merged = merged;
      this.expected = expected;
    }

    double difference(String output, double tolerance) {
      double difference = 0;
      double scale = 1;
      for (int i = 0; i < expected.length; i++) {
        scale = Math.max(scale, Math.abs(expected[i]));
        double one = i < merged.length ? Math.abs(merged[i] - expected[i]) : Double.NaN;
        // A difference that is no number must not get lost in a comparison.
        difference = Double.isNaN(one) || one > difference ? one : difference;
      }
      double relative = difference / scale;
      if (!(relative <= tolerance) || merged.length != expected.length) {
        throw new NotMergeable(
            "The merged model gives '%s' %.3g away from base and adapter (largest element %.3g, expected at most %.0e of it). Nothing was written; please report the model"
                .formatted(output, difference, scale, tolerance));
      }
      return relative;
    }
  }

  /**
   * What a model answers.
   *
   * @param bare true for the base without its adapter, but for the head
   */
  private List<Map<String, float[]>> answers(Path model, List<RandomBatch> batches, boolean bare) {
    List<Map<String, float[]>> answers = new ArrayList<>();
    SessionSettings settings = SessionSettings.defaults().sparing(bytesOfBase());
    try (InferenceSession session = InferenceSession.open(model, settings)) {
      List<String> outputs = session.outputs().stream().map(TensorPort::name).toList();
      for (RandomBatch batch : batches) {
        try (Arena arena = Arena.ofConfined();
            TensorScope scope = new TensorScope();
            OutputTensors out =
                session.run(feeds(session, batch, new Memory(scope, arena), bare), outputs)) {
          Map<String, float[]> answer = new HashMap<>();
          outputs.forEach(name -> answer.put(name, out.floats(name)));
          answers.add(answer);
        }
      }
    }
    return answers;
  }

  /** Where a run's inputs are. */
  private record Memory(TensorScope scope, Arena arena) {}

  private long bytesOfBase() {
    BundleFile weights = bundle.manifest().files().get(Bundle.BASE_DATA);
    return weights == null ? 0 : weights.bytes();
  }

  private Map<String, NativeTensor> feeds(
      InferenceSession session, RandomBatch batch, Memory memory, boolean bare) {
    TensorScope scope = memory.scope();
    Map<String, ParameterSpec> parameters = new HashMap<>();
    bundle.manifest().parameters().forEach(spec -> parameters.put(spec.name(), spec));
    Map<String, NativeTensor> feeds = new HashMap<>();
    for (TensorPort port : session.inputs()) {
      ParameterSpec spec = parameters.get(port.name());
      if (bundle.manifest().text().inputs().contains(port.name())) {
        feeds.put(port.name(), batch.feed(scope, port.name()));
      } else if (spec != null) {
        feeds.put(port.name(), parameter(spec, bare, scope));
      } else if (port.name().endsWith("_scaling")) {
        // The scaling is in the weights already.
        feeds.put(port.name(), ones(port, scope));
      } else {
        feeds.put(port.name(), zeros(port, batch, memory));
      }
    }
    return feeds;
  }

  private static NativeTensor ones(TensorPort port, TensorScope scope) {
    Shape shape = new Shape(port.dims());
    float[] values = new float[Math.toIntExact(shape.elements())];
    Arrays.fill(values, 1);
    return scope.floats(values, shape.toArray());
  }

  /** A layer that the adapter leaves alone has zeros, a weight of the base its own value. */
  private NativeTensor parameter(ParameterSpec spec, boolean bare, TensorScope scope) {
    boolean left = bare && spec.method().isPresent();
    Tensor own = left ? null : weights.tensors().get(spec.name());
    Tensor tensor = own == null ? base.neutral(spec, weights.sizes()) : own;
    return scope.floats(tensor.floats(), tensor.shape().toArray());
  }

  /** What only the loss reads, such as labels. */
  private static NativeTensor zeros(TensorPort port, RandomBatch batch, Memory memory) {
    List<Long> dims = new ArrayList<>();
    for (int axis = 0; axis < port.dims().size(); axis++) {
      long size = port.dims().get(axis);
      dims.add(
          size >= 0
              ? size
              : switch (port.symbols().get(axis)) {
                case "batch" -> (long) batch.rows();
                case "sequence" -> (long) batch.length();
                default -> 1L;
              });
    }
    Shape shape = new Shape(dims);
    return memory
        .scope()
        .view(memory.arena().allocate(port.type().bytes(shape.elements()), 64), port.type(), shape);
  }
}
