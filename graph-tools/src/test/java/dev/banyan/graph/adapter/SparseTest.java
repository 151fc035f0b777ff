package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.adapter.SparseTensor;
import dev.banyan.artifacts.bundle.KeptWeights;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.base.BaseLayers;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingPlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SparseTest extends AdapterMethodContract {
  private static final double SHARE = 0.05;

  @Override
  LayerMethod method() {
    return new Sparse();
  }

  /** What the runs of all rules have in common. */
  abstract static class Run extends MethodRunContract {
    abstract KeptWeights.Rule rule();

    @Override
    String method() {
      return "sparse:targets=query,value,dense";
    }

    /** What few weights learn, they learn in larger steps. */
    @Override
    double rate() {
      return 0.05;
    }

    @Override
    TrainingPlan plan() {
      return by(rule());
    }

    TrainingPlan by(KeptWeights.Rule rule) {
      AdapterPlan usual = TrainingPlan.defaults().adapter();
      return super.plan().with(usual.with(new KeptWeights(SHARE, rule, 2)));
    }

    List<ParameterSpec> deltas() {
      return bundle.manifest().parameters().stream()
          .filter(spec -> spec.method().equals(Optional.of(MethodName.SPARSE)))
          .filter(ParameterSpec::isTrained)
          .toList();
    }

    /** Places of what the file has of each layer. */
    Map<String, long[]> places(Path adapter) {
      Map<String, Tensor> tensors = PeftAdapter.read(adapter).weights().tensors();
      Map<String, long[]> places = new LinkedHashMap<>();
      for (ParameterSpec spec : deltas()) {
        String end = SparseTensor.indicesOf(spec.peftKey());
        tensors.values().stream()
            .filter(tensor -> tensor.name().endsWith(end))
            .forEach(tensor -> places.put(spec.site(), tensor.longs()));
      }
      return places;
    }

    long kept(ParameterSpec spec) {
      return Math.round(SHARE * spec.shape(1, 1).elements());
    }
  }

  @Nested
  class ByMagnitude extends Run {
    @Override
    KeptWeights.Rule rule() {
      return KeptWeights.Rule.MAGNITUDE;
    }

    @Test
    void theLargestWeightsOfEachLayerAndNoOthersChange() throws IOException {
      Map<String, long[]> places = places(trained("adapter"));
      assertThat(deltas()).isNotEmpty();
      try (BaseLayers layers = BaseLayers.of(bundle)) {
        for (ParameterSpec spec : deltas()) {
          float[] weights = layers.weight(spec.site()).transposed().floats();
          assertThat(places.get(spec.site())).containsExactly(largest(weights, kept(spec)));
        }
      }
    }

    private static long[] largest(float[] weights, long count) {
      return IntStream.range(0, weights.length)
          .boxed()
          .sorted(Comparator.comparingDouble((Integer i) -> -Math.abs(weights[i])))
          .limit(count)
          .mapToLong(i -> i)
          .sorted()
          .toArray();
    }

    @Test
    void theReportCountsWhatIsTrained() throws IOException {
      long expected = deltas().stream().mapToLong(this::kept).sum();
      long head = 3L * 32 + 3;
      long counted =
          new Trainer(bundle, plan(), event -> {})
              .train(data(), folder.resolve("adapter"))
              .trainableParameters();
      assertThat(counted).isEqualTo(expected + head);
    }

    @Test
    void chanceIsOfTheSeed() throws IOException {
      List<Map<String, long[]>> runs = new ArrayList<>();
      for (long seed : new long[] {1, 1, 2}) {
        Path out = folder.resolve("adapter");
        TrainingPlan plan = by(KeptWeights.Rule.RANDOM).withSeed(seed);
        new Trainer(bundle, plan, event -> {}).train(data(), out);
        runs.add(places(out));
      }
      for (ParameterSpec spec : deltas()) {
        long[] first = runs.get(0).get(spec.site());
        assertThat(first).hasSize(Math.toIntExact(kept(spec))).isSorted();
        assertThat(runs.get(1).get(spec.site())).isEqualTo(first);
        assertThat(runs.get(2).get(spec.site())).isNotEqualTo(first);
      }
    }

    @Test
    void aFileOfHalfTheTensorsIsRefused() throws IOException {
      PeftAdapter adapter = PeftAdapter.read(trained("adapter"));
      Map<String, Tensor> tensors = new LinkedHashMap<>(adapter.weights().tensors());
      tensors.keySet().removeIf(SparseTensor::isIndices);
      Path half = folder.resolve("half");
      new PeftAdapter(adapter.config(), new SafetensorsFile(adapter.weights().metadata(), tensors))
          .write(half);
      assertThatThrownBy(() -> fit(half))
          .isInstanceOf(UnusableArtifact.class)
          .hasMessageContaining("sparse_deltas' without '");
    }
  }

  @Nested
  class ByFisher extends Run {
    @Override
    KeptWeights.Rule rule() {
      return KeptWeights.Rule.FISHER;
    }

    /** Gradients say otherwise than magnitudes. */
    @Test
    void otherWeightsThanTheLargestAreChosen() throws IOException {
      Map<String, long[]> own = places(trained("own"));
      Path other = folder.resolve("other");
      new Trainer(bundle, by(KeptWeights.Rule.MAGNITUDE), event -> {}).train(data(), other);
      Map<String, long[]> large = places(other);
      for (ParameterSpec spec : deltas()) {
        long[] chosen = Objects.requireNonNull(own.get(spec.site()));
        assertThat(chosen.length).isBetween(1, Math.toIntExact(kept(spec)));
        assertThat(chosen).isNotEqualTo(large.get(spec.site()));
      }
    }
  }
}
