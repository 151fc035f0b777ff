package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.proto.NodeProto;
import dev.banyan.artifacts.onnx.proto.ValueInfoProto;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.Compute;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrozenPrefixTest {
  private static final int EXAMPLES = 60;
  private static final Set<String> COSTLY =
      Set.of("MatMul", "FusedMatMul", "Gemm", "Gather", "Softmax", "LayerNormalization", "Erf");

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "bert_opset17, 'query,value', 1, 3",
    "bert_dynamo18, all-linear, 1, 3",
    "mpnet_opset17, 'attn.q', 1, 3",
    "bert_opset17, head-only, , 2"
  })
  void keepingWhatIsBelowTheAdaptersChangesNothing(
      String model, String targets, String layers, int rank) throws IOException {
    Bundle bundle = prepare(model, targets, Optional.ofNullable(layers));
    ValueInfoProto prefix =
        OnnxFile.read(bundle.file(Bundle.PREFIX_MODEL)).model().getGraph().getOutput(0);
    assertThat(prefix.getType().getTensorType().getShape().getDimCount()).isEqualTo(rank);

    List<TrainingEvent> events = new ArrayList<>();
    TrainingReport kept = train(bundle, 64, events);
    TrainingReport plain = train(bundle, 0, new ArrayList<>());
    assertThat(events.getFirst())
        .isInstanceOfSatisfying(
            TrainingEvent.PrefixKept.class, event -> assertThat(event.texts()).isEqualTo(75));
    assertThat(plain.losses().getLast()).isLessThan(plain.losses().getFirst());
    for (int step = 0; step < plain.losses().size(); step++) {
      // The same layers over other neighbours and other padding: 32-bit sums in another order.
      assertThat(kept.losses().get(step)).isCloseTo(plain.losses().get(step), within(1e-4f));
    }
    assertThat(kept.eval().orElseThrow().accuracy())
        .isEqualTo(plain.eval().orElseThrow().accuracy());
  }

  @Test
  void noLayerBelowTheAdaptersIsLeftInTheGraphsAboveThem() throws IOException {
    Bundle bundle = prepare("bert_opset17", "query,value", Optional.of("1"));
    assertThat(layersIn(bundle, Bundle.PREFIX_MODEL)).containsOnly("layer.0");
    assertThat(layersIn(bundle, Bundle.SUFFIX_GRADIENT_MODEL)).containsOnly("layer.1");
    assertThat(namesIn(bundle, Bundle.SUFFIX_GRADIENT_MODEL))
        .noneMatch(name -> name.contains("embeddings"));
    assertThat(layersIn(bundle, Bundle.SUFFIX_EVAL_MODEL)).containsOnly("layer.1");
    assertThat(layersIn(bundle, Bundle.GRADIENT_MODEL)).containsOnly("layer.0", "layer.1");
  }

  @Test
  void embeddingsAloneAreNotWorthKeeping() throws IOException {
    Bundle bundle = prepare("bert_opset17", "query", Optional.of("0"));
    assertThat(bundle.has(Bundle.PREFIX_MODEL)).isFalse();
  }

  /** Names of what costs something; the spreading of a mask may be named after any layer. */
  private static List<String> namesIn(Bundle bundle, String graph) {
    return OnnxFile.read(bundle.file(graph)).model().getGraph().getNodeList().stream()
        .filter(node -> COSTLY.contains(node.getOpType()))
        .map(NodeProto::getName)
        .toList();
  }

  private static List<String> layersIn(Bundle bundle, String graph) {
    return namesIn(bundle, graph).stream()
        .filter(name -> name.contains("layer."))
        .map(name -> name.replaceFirst(".*(layer\\.\\d).*", "$1"))
        .distinct()
        .toList();
  }

  private Bundle prepare(String model, String targets, Optional<String> layers) {
    return GraphTools.prepare(
            new PrepareRequest(
                Fixtures.export(model),
                Bundles.tokenizer(folder, 40),
                Task.TEXT_CLASSIFICATION,
                new SiteChoice(targets, Optional.empty(), layers),
                Pooling.MEAN,
                OptionalInt.empty(),
                folder.resolve("bundle")))
        .bundle();
  }

  private TrainingReport train(Bundle bundle, int cacheMib, List<TrainingEvent> events)
      throws IOException {
    TrainingPlan usual = TrainingPlan.defaults();
    TrainingPlan plan =
        usual
            .with(AdapterPlan.lora(4, 8))
            .with(usual.passes().with(new BatchSize.Examples(8)))
            .with(new LearningRate.Constant(0.01, 0))
            .with(Compute.defaults().withPrefixCacheMib(cacheMib));
    TrainingData data =
        new TrainingData(data("train", EXAMPLES, 1), Optional.of(data("eval", EXAMPLES / 4, 2)));
    Path out = folder.resolve("adapter-" + cacheMib);
    return new Trainer(bundle, plan, events::add).train(data, out);
  }

  /** Texts of 3 to 12 words, labelled by which of two words is the first. */
  private Dataset data(String name, int count, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < count; i++) {
      int label = random.nextInt(2);
      StringBuilder text = new StringBuilder("w" + (1 + label));
      for (int word = random.nextInt(2, 12); word > 0; word--) {
        text.append(" w").append(random.nextInt(3, 40));
      }
      lines.append("{\"text\": \"%s\", \"label\": \"%d\"}%n".formatted(text, label));
    }
    Path file = folder.resolve(name + ".jsonl");
    Files.writeString(file, lines);
    return Dataset.read(file);
  }
}
