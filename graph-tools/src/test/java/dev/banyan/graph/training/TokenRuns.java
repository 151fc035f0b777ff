package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Runs the graphs of a bundle of learned tokens, of whose adapters each slot has another number.
 */
final class TokenRuns {
  static final int TOKENS = 3;
  static final int ROOM = 5;
  static final int LABELS = 2;
  static final int ROWS = 4;
  static final int LENGTH = 7;

  /** Tokens of the adapter in each slot. */
  static final long[] COUNTS = {0, TOKENS, 1, ROOM};

  private TokenRuns() {}

  static Sizes sizes(int tokens) {
    return Sizes.of(1, LABELS).with(Size.TOKENS, tokens);
  }

  static float[] numbers(ParameterSpec spec, int tokens) {
    int elements = Math.toIntExact(spec.shape(sizes(tokens)).elements());
    float[] values = new float[elements];
    Random random = new Random(spec.name().hashCode() + tokens);
    for (int i = 0; i < elements; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** An output of the serving graph; the head of each slot is another, too. */
  static float[] serve(Bundle bundle, RandomBatch batch, String output, long... slots) {
    try (TensorScope scope = new TensorScope();
        InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.SERVING_MODEL), SessionSettings.defaults())) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      feeds.put("adapter_ids", scope.longs(slots, slots.length));
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        List<Long> dims = new ArrayList<>(List.of((long) COUNTS.length));
        dims.addAll(spec.shape(sizes(ROOM)).dims());
        Shape shape = new Shape(dims);
        float[] bank = new float[Math.toIntExact(shape.elements())];
        for (int slot = 0; slot < COUNTS.length; slot++) {
          float[] own = numbers(spec, Math.toIntExact(COUNTS[slot]));
          System.arraycopy(own, 0, bank, slot * bank.length / COUNTS.length, own.length);
        }
        feeds.put(spec.bankName(), scope.floats(bank, shape.toArray()));
        if (spec.isCounted()) {
          feeds.put(spec.countName(), scope.longs(COUNTS, COUNTS.length));
        }
      }
      return run(session, batch, feeds, output, scope);
    }
  }

  /** An output of the eval graph with the adapter of a slot. */
  static float[] judge(Bundle bundle, RandomBatch batch, String output, int slot) {
    int tokens = Math.toIntExact(COUNTS[slot]);
    try (TensorScope scope = new TensorScope();
        InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.EVAL_MODEL), SessionSettings.defaults())) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        long[] dims = spec.shape(sizes(tokens)).toArray();
        feeds.put(spec.name(), scope.floats(numbers(spec, tokens), dims));
      }
      feeds.put("label_smoothing", scope.floats(new float[1]));
      feeds.put("class_weights", scope.floats(new float[] {1, 1}, LABELS));
      boolean ofTokens = bundle.manifest().task() == Task.TOKEN_CLASSIFICATION;
      long[] labels = new long[ofTokens ? ROWS * LENGTH : ROWS];
      feeds.put(
          "labels",
          ofTokens ? scope.longs(labels, ROWS, LENGTH) : scope.longs(labels, labels.length));
      feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
      return run(session, batch, feeds, output, scope);
    }
  }

  private static float[] run(
      InferenceSession session,
      RandomBatch batch,
      Map<String, NativeTensor> given,
      String output,
      TensorScope scope) {
    Map<String, NativeTensor> feeds = new HashMap<>(given);
    session.inputs().stream()
        .filter(port -> !feeds.containsKey(port.name()))
        .forEach(port -> feeds.put(port.name(), batch.feed(scope, port.name())));
    try (OutputTensors out = session.run(feeds, List.of(output))) {
      return out.floats(output);
    }
  }
}
