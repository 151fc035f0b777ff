package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.graph.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every method that a decoder without biases can have; {@code prepare} checks its graphs. */
class DecoderMethodsTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "lora, 0.02",
    "dora, 0.02",
    "pissa, 0.02",
    "olora, 0.02",
    "lora-fa, 0.05",
    "vera, 0.3",
    "loha, 0.05",
    "lokr, 0.05",
    "miss, 0.02",
    "ia3, 0.3",
    "sparse, 0.05",
    "bottleneck, 0.05",
    "norms, 0.1",
    "last-layers:n=1, 0.02",
    "full, 0.02"
  })
  void methodLearnsToGoOnWithATextAsADecoder(String method, double rate) throws IOException {
    Bundle bundle =
        Bundles.decoder(Fixtures.family("llama_dynamo18"), method, "all-linear", folder);
    List<Float> losses = Bundles.trainDecoder(bundle, rate, 20, folder.resolve("adapter"));
    assertThat(losses.getLast()).isLessThan(0.8f * losses.getFirst());
  }
}
