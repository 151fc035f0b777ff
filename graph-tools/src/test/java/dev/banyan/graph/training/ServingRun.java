package dev.banyan.graph.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Runs the serving graph of a bundle over a bank of random adapters; slot 0 is the bare base. */
final class ServingRun implements AutoCloseable {
  private final InferenceSession session;
  private final TensorScope scope = new TensorScope();
  private final Map<String, NativeTensor> banks = new HashMap<>();
  private final Map<String, float[]> values = new HashMap<>();
  private final long rank;
  private final long labels;

  ServingRun(Bundle bundle, int slots, long rank, long labels) {
    this.rank = rank;
    this.labels = labels;
    session = InferenceSession.open(bundle.file(Bundle.SERVING_MODEL), SessionSettings.defaults());
    SplittableRandom random = new SplittableRandom(7);
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      Shape shape = spec.shape(rank, labels);
      int each = Math.toIntExact(shape.elements());
      float[] bank = new float[slots * each];
      for (int i = each; i < bank.length; i++) {
        bank[i] = (float) (0.1 * random.nextGaussian());
      }
      values.put(spec.name(), bank);
      long[] dims = new long[shape.rank() + 1];
      dims[0] = slots;
      System.arraycopy(shape.toArray(), 0, dims, 1, shape.rank());
      banks.put(spec.bankName(), scope.floats(bank, dims));
    }
  }

  /** One adapter's own parameter. */
  float[] parameter(ParameterSpec spec, int slot) {
    int each = Math.toIntExact(spec.shape(rank, labels).elements());
    float[] bank = values.getOrDefault(spec.name(), new float[0]);
    return Arrays.copyOfRange(bank, slot * each, (slot + 1) * each);
  }

  /** An output of the graph, row by row. */
  float[] run(RandomBatch batch, String output, long... slots) {
    try (TensorScope own = new TensorScope()) {
      Map<String, NativeTensor> feeds = new HashMap<>(banks);
      feeds.put("adapter_ids", own.longs(slots, slots.length));
      session.inputs().stream()
          .filter(port -> !feeds.containsKey(port.name()))
          .forEach(port -> feeds.put(port.name(), batch.feed(own, port.name())));
      try (OutputTensors out = session.run(feeds, List.of(output))) {
        return out.floats(output);
      }
    }
  }

  @Override
  public void close() {
    scope.close();
    session.close();
  }
}
