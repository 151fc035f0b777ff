package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OrtFailure;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * Holds a serving graph against the model that it was made from, on random tokens: the bare base
 * must give the original's embeddings, a row must not depend on the rows beside it or on their
 * adapters, and the longest text must run.
 */
final class SelfCheck implements AutoCloseable {
  /** Embeddings have length 1, and the two graphs may sum in another order. */
  private static final double TOLERANCE = 1e-5;

  private static final int BATCHES = 2;
  private static final int ROWS = 3;
  private static final int LENGTH = 12;
  private static final long RANK = 2;
  private static final long LABELS = 2;
  private static final String EMBEDDINGS = "embeddings";

  private final SplittableRandom random = new SplittableRandom(43);
  private final InferenceSession serving;
  private final TensorScope bankScope = new TensorScope();
  private final Map<String, NativeTensor> banks = new HashMap<>();

  /** Loads the graph, with zeros in slot 0 and random adapters in the slots of the other rows. */
  SelfCheck(Path servingModel, List<ParameterSpec> parameters, SessionSettings settings) {
    serving = InferenceSession.open(servingModel, settings);
    for (ParameterSpec spec : parameters.stream().filter(ParameterSpec::isBanked).toList()) {
      long[] dims = spec.shape(RANK, LABELS).toArray();
      long[] withSlots = new long[dims.length + 1];
      withSlots[0] = ROWS;
      System.arraycopy(dims, 0, withSlots, 1, dims.length);
      int each = Math.toIntExact(spec.shape(RANK, LABELS).elements());
      float[] values = new float[ROWS * each];
      for (int i = each; i < values.length; i++) {
        values[i] = (float) (0.1 * random.nextGaussian());
      }
      banks.put(spec.bankName(), bankScope.floats(values, withSlots));
      if (spec.isShared()) {
        banks.put(spec.setName(), bankScope.longs(new long[] {0, 1, 2}, ROWS));
      }
      if (spec.isCounted()) {
        // One adapter has fewer than there is room for.
        banks.put(spec.countName(), bankScope.longs(new long[] {0, RANK, RANK - 1}, ROWS));
      }
    }
  }

  /** The texts that both models get. */
  static List<RandomBatch> batches(TextLimits limits, int maxLength) {
    SplittableRandom random = new SplittableRandom(42);
    return Stream.generate(
            () -> RandomBatch.of(random, limits.vocabulary(), ROWS, Math.min(LENGTH, maxLength)))
        .limit(BATCHES)
        .toList();
  }

  /**
   * Runs the checks.
   *
   * @param expected the original's embeddings of each batch
   * @return the largest difference between an element of the two embeddings
   * @throws UnusableModel if a check fails
   */
  double run(List<RandomBatch> batches, List<float[]> expected, TextLimits limits, int maxLength) {
    double largest = 0;
    for (int i = 0; i < batches.size(); i++) {
      RandomBatch batch = batches.get(i);
      double difference = difference(expected.get(i), embed(batch, new long[ROWS]));
      requireClose(
          difference,
          "the prepared graph with the bare base gives other embeddings than the original model");
      largest = Math.max(largest, difference);
      requireIndependentRows(batch);
    }
    requireLongestRuns(RandomBatch.of(random, limits.vocabulary(), 1, maxLength));
    return largest;
  }

  private void requireIndependentRows(RandomBatch batch) {
    float[] together = embed(batch, new long[] {0, 1, 2});
    int hidden = together.length / ROWS;
    for (int row = 0; row < ROWS; row++) {
      float[] alone = embed(batch.row(row), new long[] {row});
      float[] inBatch = Arrays.copyOfRange(together, row * hidden, (row + 1) * hidden);
      requireClose(
          difference(alone, inBatch),
          "a text gives another embedding alone than beside others, so the first axis is not the batch everywhere in the model");
    }
  }

  private void requireLongestRuns(RandomBatch longest) {
    try {
      embed(longest, new long[1]);
    } catch (OrtFailure.RunFailed e) {
      throw new UnusableModel(
          "The model does not run on %d tokens; choose a smaller --max-length (%s)"
              .formatted(longest.length(), e.getMessage()));
    }
  }

  private static void requireClose(double difference, String complaint) {
    // Written so that a difference that is no number is refused too.
    if (!(difference <= TOLERANCE)) {
      throw new UnusableModel(
          "The self-check failed: %s (difference %.3g, expected at most %.0e). No bundle was written; please report the model"
              .formatted(complaint, difference, TOLERANCE));
    }
  }

  private float[] embed(RandomBatch batch, long[] adapterIds) {
    try (TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new HashMap<>(banks);
      feeds.put(ServingGraph.ADAPTER_IDS, scope.longs(adapterIds, adapterIds.length));
      serving.inputs().stream()
          .filter(port -> !feeds.containsKey(port.name()))
          .forEach(port -> feeds.put(port.name(), batch.feed(scope, port.name())));
      feeds.keySet().retainAll(serving.inputs().stream().map(port -> port.name()).toList());
      try (OutputTensors out = serving.run(feeds, List.of(EMBEDDINGS))) {
        return out.floats(EMBEDDINGS);
      }
    }
  }

  private static double difference(float[] a, float[] b) {
    if (a.length != b.length) {
      return Double.POSITIVE_INFINITY;
    }
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = Math.abs(a[i] - b[i]);
      if (Double.isNaN(difference)) {
        return Double.NaN;
      }
      largest = Math.max(largest, difference);
    }
    return largest;
  }

  @Override
  public void close() {
    bankScope.close();
    serving.close();
  }
}
