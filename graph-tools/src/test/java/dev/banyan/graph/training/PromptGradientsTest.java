package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Value;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an order of the graph's nodes cannot promise, what they read does. */
class PromptGradientsTest {
  private static final String LOWER = "encoder.layer.0.output.dense.lora_A_grad";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void gradientsOfALayerWaitForThoseOfTheLayersAbove(boolean recompute) {
    TrainingChoice choice = TrainingChoice.of(Emission.FUSED);
    Graph graph = gradients(recompute ? choice.withRecompute() : choice);
    Set<Value> before = before(graph.value(LOWER));
    for (String site :
        new String[] {"attention.self.query", "attention.output.dense", "output.dense"}) {
      for (String part : new String[] {"lora_A", "lora_B"}) {
        assertThat(before).contains(graph.value("encoder.layer.1." + site + "." + part + "_grad"));
      }
    }
    assertThat(before(graph.value("encoder.layer.1.output.dense.lora_A_grad")))
        .doesNotContain(graph.value(LOWER));
  }

  private Graph gradients(TrainingChoice choice) {
    Bundle bundle =
        GraphTools.prepare(
                new PrepareRequest(
                        Fixtures.export("bert_opset17"),
                        Bundles.tokenizer(folder, 40),
                        Task.EMBEDDING,
                        SiteChoice.of("all-linear"),
                        Pooling.MEAN,
                        OptionalInt.empty(),
                        folder.resolve("bundle"))
                    .with(choice))
            .bundle();
    return OnnxReader.read(OnnxFile.read(bundle.file(Bundle.GRADIENT_MODEL))).graph();
  }

  /** All that a value is made of. */
  private static Set<Value> before(Value value) {
    Set<Value> seen = new HashSet<>();
    Deque<Value> open = new ArrayDeque<>(Set.of(value));
    while (!open.isEmpty()) {
      open.pop()
          .producer()
          .ifPresent(node -> node.inputs().stream().filter(seen::add).forEach(open::push));
    }
    return seen;
  }
}
