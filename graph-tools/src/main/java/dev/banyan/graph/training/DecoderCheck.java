package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleWriter;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.integrity.WorkFolder;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.io.OnnxWriter;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OrtFailure;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Holds the graphs of a decoder against the model that they were made from, on random tokens: two
 * texts that share a row must each get the probabilities that the original model gives it alone,
 * the serving graph must give the original's logits, and the longest text must run.
 */
final class DecoderCheck {
  /** Of the greatest logit: float32 through all layers, added in another order. */
  private static final double TOLERANCE = 1e-3;

  private static final int[] LENGTHS = {7, 5};
  private static final int ROW = 14;
  private static final int RANK = 1;

  /** No learned tokens: where there are any, nothing is as in the original model. */
  static final Sizes SIZES = Sizes.of(RANK, 1).with(Size.TOKENS, 0);

  private final DecoderFacts facts;
  private final List<Tensor> start;
  private final SplittableRandom random = new SplittableRandom(42);

  private DecoderCheck(DecoderFacts facts, List<Tensor> start) {
    this.facts = facts;
    this.start = start;
  }

  /**
   * Runs the checks.
   *
   * @param start parameters of {@link #SIZES} that change nothing
   * @return the largest difference between logarithms of probabilities
   * @throws UnusableModel if a check fails
   */
  static double run(
      DecoderSource decoder, BundleWriter writer, DecoderFacts facts, List<Tensor> start) {
    DecoderCheck check = new DecoderCheck(facts, start);
    List<long[]> texts = Arrays.stream(LENGTHS).mapToObj(check::text).toList();
    List<float[]> logits = check.original(decoder, texts);
    double difference = check.packed(writer.path(Bundle.EVAL_MODEL), texts, logits);
    check.served(writer.path(Bundle.SERVING_MODEL), texts, logits);
    return difference;
  }

  private long[] text(int length) {
    return random.longs(length, facts.vocabulary() / 2, facts.vocabulary()).toArray();
  }

  /** The logits of each text alone, {@code [length, vocabulary]}. */
  private List<float[]> original(DecoderSource decoder, List<long[]> texts) {
    try (WorkFolder folder = WorkFolder.temporary("banyan-check-")) {
      Path file = folder.path().resolve("original.onnx");
      try (ExternalDataWriter weights =
          new ExternalDataWriter(folder.path().resolve("original.data"))) {
        new OnnxWriter(weights).write(decoder.reference(), file);
      }
      try (InferenceSession session = InferenceSession.open(file, SessionSettings.defaults())) {
        List<float[]> logits = new ArrayList<>();
        for (long[] text : texts) {
          try (TensorScope scope = new TensorScope();
              OutputTensors out =
                  session.run(feeds(session, scope, text), List.of(DecoderPorts.LOGITS))) {
            logits.add(out.floats(DecoderPorts.LOGITS));
          }
        }
        return logits;
      }
    }
  }

  private static Map<String, NativeTensor> feeds(
      InferenceSession session, TensorScope scope, long[] text) {
    Map<String, NativeTensor> feeds = new HashMap<>();
    feeds.put(DecoderPorts.IDS, scope.longs(text, 1, text.length));
    feeds.put(DecoderPorts.POSITIONS, scope.longs(count(text.length), 1, text.length));
    feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
    return feeds;
  }

  private static long[] count(int length) {
    long[] positions = new long[length];
    Arrays.setAll(positions, i -> i);
    return positions;
  }

  /** All texts in one row, with padding behind them. */
  private double packed(Path evalModel, List<long[]> texts, List<float[]> logits) {
    long[] ids = new long[ROW];
    long[] positions = new long[ROW];
    long[] segments = new long[ROW];
    int at = 0;
    for (int i = 0; i < texts.size(); i++) {
      int length = texts.get(i).length;
      System.arraycopy(texts.get(i), 0, ids, at, length);
      System.arraycopy(count(length), 0, positions, at, length);
      Arrays.fill(segments, at, at + length, i + 1L);
      at += length;
    }
    long[] labels = ids.clone();
    Arrays.fill(labels, at, ROW, NextToken.IGNORED);
    try (InferenceSession session = InferenceSession.open(evalModel, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Packed row = new Packed(ids, positions, segments, labels);
      double difference = furthest(logProbabilities(session, scope, row), texts, logits);
      requireClose(
          difference / Math.max(1, greatest(logits)),
          "texts that share a row get other probabilities than alone; the model may count positions"
              + " in a way that Banyan does not know: export it with an input position_ids");
      requireLongestRuns(session, scope);
      return difference;
    }
  }

  /** One row, each {@code [1, length]}. */
  private record Packed(List<long[]> columns) {
    Packed(long[] ids, long[] positions, long[] segments, long[] labels) {
      this(List.of(ids, positions, segments, labels));
    }
  }

  private float[] logProbabilities(InferenceSession session, TensorScope scope, Packed row) {
    Map<String, NativeTensor> feeds = new HashMap<>();
    List<String> names =
        List.of(DecoderPorts.IDS, DecoderPorts.POSITIONS, Segments.INPUT, Loss.LABELS);
    for (int i = 0; i < names.size(); i++) {
      long[] column = row.columns().get(i);
      feeds.put(names.get(i), scope.longs(column, 1, column.length));
    }
    for (TensorPort port : session.inputs()) {
      if (port.name().endsWith("_scaling")) {
        float[] scalings = new float[Math.toIntExact(port.dims().getFirst())];
        Arrays.fill(scalings, 1);
        feeds.put(port.name(), scope.floats(scalings, scalings.length));
      }
    }
    for (Tensor tensor : start) {
      feeds.put(tensor.name(), scope.floats(tensor.floats(), tensor.shape().toArray()));
    }
    feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
    try (OutputTensors out = session.run(feeds, List.of(NextToken.PREDICTION))) {
      return out.floats(NextToken.PREDICTION);
    }
  }

  /** The first token of each text has nothing before it that could tell it. */
  private double furthest(float[] seen, List<long[]> texts, List<float[]> logits) {
    int vocabulary = Math.toIntExact(facts.vocabulary());
    double difference = 0;
    int at = 0;
    for (int i = 0; i < texts.size(); i++) {
      for (int token = 1; token < texts.get(i).length; token++) {
        double expected =
            LogProbability.of(logits.get(i), token - 1, vocabulary, texts.get(i)[token]);
        double apart = Math.abs(seen[at++] - expected);
        difference = Double.isNaN(apart) ? Double.POSITIVE_INFINITY : Math.max(difference, apart);
      }
    }
    if (at != seen.length) {
      throw new IllegalStateException(seen.length + " tokens were counted, not " + at);
    }
    return difference;
  }

  private void requireLongestRuns(InferenceSession session, TensorScope scope) {
    int length = facts.maxLength();
    long[] labels = new long[length];
    Arrays.fill(labels, NextToken.IGNORED);
    labels[length - 1] = 1;
    try {
      logProbabilities(
          session, scope, new Packed(text(length), count(length), new long[length], labels));
    } catch (OrtFailure.RunFailed e) {
      throw new UnusableModel(
          "The model does not run on %d tokens; choose a smaller --max-length (%s)"
              .formatted(length, e.getMessage()));
    }
  }

  /** The bare base for each text, with padding behind the shorter. */
  private void served(Path servingModel, List<long[]> texts, List<float[]> logits) {
    int rows = texts.size();
    int length = Arrays.stream(LENGTHS).max().orElseThrow();
    long[] ids = new long[rows * length];
    long[] positions = new long[ids.length];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(texts.get(row), 0, ids, row * length, texts.get(row).length);
      System.arraycopy(count(length), 0, positions, row * length, length);
    }
    try (InferenceSession session =
            InferenceSession.open(servingModel, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = banks(scope);
      feeds.put(DecoderPorts.IDS, scope.longs(ids, rows, length));
      feeds.put(DecoderPorts.POSITIONS, scope.longs(positions, rows, length));
      feeds.put(ServingGraph.ADAPTER_IDS, scope.longs(new long[rows], rows));
      feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
      try (OutputTensors out = session.run(feeds, List.of(DecoderPorts.LOGITS))) {
        float[] seen = out.floats(DecoderPorts.LOGITS);
        int row = seen.length / rows;
        for (int i = 0; i < rows; i++) {
          float[] expected = logits.get(i);
          double difference = 0;
          for (int j = 0; j < expected.length; j++) {
            difference = Math.max(difference, Math.abs(seen[i * row + j] - expected[j]));
          }
          requireClose(
              difference / Math.max(1, greatest(logits)),
              "the prepared graph with the bare base gives other logits than the original model");
        }
      }
    }
  }

  /** One slot of zeros. */
  private Map<String, NativeTensor> banks(TensorScope scope) {
    Map<String, NativeTensor> banks = new HashMap<>();
    for (ParameterSpec spec : facts.parameters()) {
      long[] dims = spec.shape(RANK, 1).toArray();
      long[] withSlots = new long[dims.length + 1];
      withSlots[0] = 1;
      System.arraycopy(dims, 0, withSlots, 1, dims.length);
      float[] zeros = new float[Math.toIntExact(spec.shape(RANK, 1).elements())];
      banks.put(spec.bankName(), scope.floats(zeros, withSlots));
      if (spec.isCounted()) {
        banks.put(spec.countName(), scope.longs(new long[1], 1));
      }
      if (spec.isShared()) {
        banks.put(spec.setName(), scope.longs(new long[1], 1));
      }
    }
    return banks;
  }

  private static double greatest(List<float[]> logits) {
    double greatest = 0;
    for (float[] values : logits) {
      for (float value : values) {
        greatest = Math.max(greatest, Math.abs(value));
      }
    }
    return greatest;
  }

  private static void requireClose(double difference, String complaint) {
    // Written so that a difference that is no number is refused too.
    if (!(difference <= TOLERANCE)) {
      throw new UnusableModel(
          "The self-check failed: %s (difference %.3g of the greatest logit, expected at most %.0e). No bundle was written"
              .formatted(complaint, difference, TOLERANCE));
    }
  }
}
