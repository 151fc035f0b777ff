package dev.banyan.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.graph.Fixtures;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.types.TypeOf;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** That what real exporters write is recognized; that it is the same, PyTorch's values show. */
class FusionTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"bert_opset14, 2, 5", "bert_opset17, 2, 5", "distilbert_opset14, 2, 5"})
  void activationsAndNormalizationsBecomeOneNodeEach(String model, long gelus, long norms) {
    Model simplified = TypeOf.annotate(Fixtures.simplified(Fixtures.export(model), folder));
    Graph graph = simplified.graph();
    FuseGelu.in(graph);
    FuseLayerNormalization.in(graph);
    Map<String, Long> operators =
        graph.nodes().stream()
            .collect(Collectors.groupingBy(FusionTest::name, TreeMap::new, Collectors.counting()));
    assertThat(operators)
        .containsEntry("Gelu", gelus)
        .containsEntry("LayerNormalization", norms)
        .doesNotContainKeys("Erf", "Pow", "Sqrt");
  }

  private static String name(Node node) {
    return node.op().type();
  }

  @Test
  void gatedActivationsBecomeOneNodeEach() {
    Model model =
        TypeOf.annotate(Fixtures.simplified(Fixtures.export("families/llama_opset14"), folder));
    FuseSilu.in(model.graph());
    assertThat(model.graph().nodes())
        .extracting(FusionTest::name)
        .contains("QuickGelu")
        .doesNotContain("Sigmoid");
  }
}
