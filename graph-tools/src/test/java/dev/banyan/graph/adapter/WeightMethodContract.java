package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.inference.AdapterWeights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What every method that trains weights of the base must do: train its own weights and no others. A
 * subclass names them.
 */
abstract class WeightMethodContract extends MethodRunContract {
  /** Whether it trains the weight of the base of this name. */
  abstract boolean trains(String name);

  @Test
  void onlyItsOwnWeightsAreTrained() throws IOException {
    List<String> all =
        prepared("full", "all").manifest().parameters().stream()
            .filter(spec -> spec.method().isEmpty() && spec.isOfBase())
            .map(ParameterSpec::name)
            .toList();
    assertThat(all).hasSize(39);
    assertThat(own().map(WeightMethodContract::weight))
        .containsExactlyInAnyOrderElementsOf(all.stream().filter(this::trains).toList());
    Path adapter = trained("adapter");
    AdapterWeights weights = fit(adapter);
    BaseValues base = BaseValues.of(bundle);
    own()
        .forEach(
            spec -> {
              Tensor now = Objects.requireNonNull(weights.tensors().get(spec.name()));
              // A key's bias shifts all scores of a query alike: nothing is learned there.
              if (!spec.name().endsWith("key.bias")) {
                assertThat(largest(base.banked(spec, now))).as(spec.name()).isBetween(1e-5, 1.0);
              }
            });
  }

  private Stream<ParameterSpec> own() {
    return bundle.manifest().parameters().stream()
        .filter(spec -> !spec.name().startsWith("classifier."));
  }

  /** The name of the base's weight that a parameter is about. */
  private static String weight(ParameterSpec spec) {
    return spec.name().replace(".sparse_delta", ".weight");
  }

  private static double largest(Tensor tensor) {
    double largest = 0;
    for (float value : tensor.floats()) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }
}
