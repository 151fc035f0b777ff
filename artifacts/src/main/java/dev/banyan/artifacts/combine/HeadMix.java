package dev.banyan.artifacts.combine;

import dev.banyan.artifacts.adapter.AdapterMetadata;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Takes or mixes what adapters hold whole.
 *
 * @param adapters the adapters
 * @param parts the same, taken apart
 */
record HeadMix(List<WeightedAdapter> adapters, List<AdapterParts> parts) {
  private static final String REMEDY = "say which head to take: 'first' or the name of an adapter";

  /**
   * What was taken.
   *
   * @param adapter the adapter whose labels, task and pooling hold
   * @param whole the tensors
   */
  record Taken(int adapter, Map<String, Tensor> whole) {}

  Taken take(HeadChoice choice) {
    return switch (choice) {
      case HeadChoice.Of(int adapter) -> new Taken(adapter, parts.get(adapter).whole());
      case HeadChoice.Mean() -> mean();
      case HeadChoice.MeanOfKnown() -> {
        requireKnown();
        yield mean();
      }
    };
  }

  private void requireKnown() {
    for (int i = 0; i < adapters.size(); i++) {
      if (adapters.size() > 1 && !parts.get(i).whole().isEmpty() && metadata(i).task().isEmpty()) {
        throw new UnusableArtifact(
            adapters.get(i).name(),
            "has a head and does not name its labels",
            REMEDY + ", or 'mean' if all have the same labels in the same order");
      }
    }
  }

  private Taken mean() {
    requireOneKind();
    double total = adapters.stream().mapToDouble(WeightedAdapter::weight).sum();
    Map<String, Tensor> whole = new LinkedHashMap<>();
    for (Tensor first : parts.getFirst().whole().values()) {
      if (total <= 0) {
        throw new UnusableArtifact(
            "adapters",
            "their weights add up to %s, by which heads have no mean".formatted(total),
            REMEDY);
      }
      whole.put(first.name(), mean(first, total));
    }
    return new Taken(speaker(), whole);
  }

  private Tensor mean(Tensor first, double total) {
    double[] sum = new double[Math.toIntExact(first.shape().elements())];
    for (int i = 0; i < adapters.size(); i++) {
      float[] values = Objects.requireNonNull(parts.get(i).whole().get(first.name())).floats();
      for (int element = 0; element < sum.length; element++) {
        sum[element] += adapters.get(i).weight() / total * values[element];
      }
    }
    float[] mean = new float[sum.length];
    for (int element = 0; element < sum.length; element++) {
      mean[element] = (float) sum[element];
    }
    return Tensor.ofFloats(first.name(), first.shape(), mean);
  }

  /** A mean of classes that mean different things would be an answer to nothing. */
  private void requireOneKind() {
    for (int i = 1; i < adapters.size(); i++) {
      requireSame("labels", i, each -> Optional.of(each.labels()).filter(l -> !l.isEmpty()));
      requireSame("task", i, each -> each.task().map(Task::text));
      requireSame("pooling", i, each -> each.pooling().map(Pooling::text));
      requireSameTensors(i);
    }
  }

  /** What an adapter does not say is taken to be what the others say. */
  private void requireSame(
      String what, int other, Function<AdapterMetadata, Optional<?>> property) {
    Optional<?> seen = property.apply(metadata(other));
    for (int i = 0; i < other && seen.isPresent(); i++) {
      Optional<?> expected = property.apply(metadata(i));
      if (expected.isPresent() && !expected.equals(seen)) {
        throw different(
            other, i, "its %s: %s against %s".formatted(what, seen.get(), expected.get()));
      }
    }
  }

  private void requireSameTensors(int other) {
    Map<String, Tensor> expected = parts.getFirst().whole();
    Map<String, Tensor> seen = parts.get(other).whole();
    Set<String> names = new TreeSet<>(expected.keySet());
    names.addAll(seen.keySet());
    for (String name : names) {
      String there = shape(expected, name);
      String here = shape(seen, name);
      if (!there.equals(here)) {
        throw different(other, 0, "'%s': %s against %s".formatted(name, here, there));
      }
    }
  }

  private static String shape(Map<String, Tensor> tensors, String name) {
    Tensor tensor = tensors.get(name);
    return tensor == null ? "none" : tensor.shape().toString();
  }

  private UnusableArtifact different(int one, int other, String difference) {
    return new UnusableArtifact(
        adapters.get(one).name(),
        "it and %s have no common head, by %s".formatted(adapters.get(other).name(), difference),
        REMEDY);
  }

  private AdapterMetadata metadata(int adapter) {
    return adapters.get(adapter).adapter().metadata();
  }

  /** The first that says what it was trained for. */
  private int speaker() {
    for (int i = 0; i < adapters.size(); i++) {
      if (metadata(i).task().isPresent()) {
        return i;
      }
    }
    return 0;
  }
}
