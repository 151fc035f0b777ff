package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The recordings that each method is held against hold together. */
class RecordedPeftMethodsTest {
  static List<String> names() throws IOException {
    return Fixtures.peftMethods();
  }

  @ParameterizedTest
  @MethodSource("names")
  void whatIsTrainedIsInTheAdaptersFile(String name) {
    Path folder = Fixtures.peftMethod(name);
    Map<String, Tensor> adapter =
        SafetensorsFile.read(folder.resolve("adapter_model.safetensors")).tensors();
    SafetensorsFile expected = SafetensorsFile.read(folder.resolve("expected.safetensors"));
    assertThat(Fixtures.peftBase(Objects.requireNonNull(expected.metadata().get("base")))).exists();
    assertThat(expected.tensors()).containsKeys("labels", "logits", "loss", "losses");
    assertThat(named("gradients/", expected)).isNotEmpty().isEqualTo(named("trained/", expected));
    for (String kind : List.of("gradients/", "trained/", "initial/")) {
      for (String key : named(kind, expected)) {
        Tensor tensor = Objects.requireNonNull(expected.tensors().get(kind + key));
        assertThat(adapter).containsKey(key);
        assertThat(tensor.shape())
            .as(kind + key)
            .isEqualTo(Objects.requireNonNull(adapter.get(key)).shape());
      }
    }
  }

  private static Set<String> named(String kind, SafetensorsFile file) {
    return file.tensors().keySet().stream()
        .filter(key -> key.startsWith(kind))
        .map(key -> key.substring(kind.length()))
        .collect(Collectors.toSet());
  }
}
