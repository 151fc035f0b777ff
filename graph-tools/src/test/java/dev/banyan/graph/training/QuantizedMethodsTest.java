package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.quantize.Quantization;
import dev.banyan.graph.quantize.Scheme;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.BatchOutput;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every method learns on layers of four bits, and what it learned is served on them. */
class QuantizedMethodsTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "lora, 0.02",
    "dora, 0.02",
    "pissa, 0.02",
    "olora, 0.02",
    "lora-fa, 0.02",
    "vera, 0.1",
    "loha, 0.02",
    "lokr, 0.05",
    "miss, 0.02",
    "ia3, 0.1",
    "sparse, 0.02",
    "bottleneck, 0.02",
    "bitfit, 0.02",
    "norms, 0.02",
    "head, 0.02",
    "prompt, 0.1",
    "prefix, 0.1"
  })
  void methodLearnsOnFewBitsAndIsServedThere(String method, double rate) throws IOException {
    Bundle bundle = prepare(method);
    assertThat(operators(bundle)).contains("MatMulBnb4");
    Path out = folder.resolve("adapter");
    TrainingPlan usual = TrainingPlan.defaults();
    AdapterPlan sizes = AdapterPlan.lora(4, 8).with(Size.PROJECTION, 16).with(Size.TOKENS, 4);
    TrainingReport report =
        new Trainer(
                bundle,
                usual
                    .with(sizes)
                    .with(usual.passes().withEpochs(8))
                    .with(new LearningRate.Constant(rate, 0)),
                _ -> {})
            .train(new TrainingData(data(), Optional.empty()), out);
    assertThat(report.losses().getLast()).isLessThan(0.8f * report.losses().getFirst());
    requireServed(bundle, PeftAdapter.read(out));
  }

  /** Two texts that differ by the word that tells their label. */
  private static void requireServed(Bundle bundle, PeftAdapter adapter) {
    ServingPlan room = ServingPlan.defaults();
    try (BaseModel model = BaseModel.open(bundle, room)) {
      model.bank().write(1, AdapterWeights.fit(adapter, bundle, room));
      BatchOutput batch = model.run(List.of(row(1), row(2)));
      float[] first = batch.logits(0, 2);
      float[] second = batch.logits(1, 2);
      assertThat(first[0] - first[1]).isGreaterThan(second[0] - second[1]);
    }
  }

  private static Row row(long label) {
    return new Row(new Encoding(new long[] {label, 7, 9, 12}, new long[4]), 1);
  }

  private Dataset data() throws IOException {
    StringBuilder lines = new StringBuilder();
    IntStream.range(0, 48)
        .forEach(
            i ->
                lines.append(
                    "{\"text\": \"w%d w%d w%d w%d\", \"label\": \"%d\"}%n"
                        .formatted(1 + i % 2, 3 + i % 17, 20 + i % 13, 5 + i % 11, i % 2)));
    return Dataset.read(Files.writeString(folder.resolve("data.jsonl"), lines));
  }

  private Bundle prepare(String method) {
    Path model =
        Bundles.quantized(
            Fixtures.export("bert_opset17"), new Quantization(Scheme.NF4, 16, false, true), folder);
    return GraphTools.prepare(
            new PrepareRequest(
                    model,
                    Bundles.tokenizer(folder, 40),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("head-only"),
                    Pooling.MEAN,
                    OptionalInt.empty(),
                    folder.resolve("bundle"))
                .withMethods(List.of(MethodChoice.parse(method, SiteChoice.of("query,value")))))
        .bundle();
  }

  private static List<String> operators(Bundle bundle) {
    return OnnxReader.read(OnnxFile.read(bundle.file(Bundle.GRADIENT_MODEL)))
        .graph()
        .nodes()
        .stream()
        .map(node -> node.op().type())
        .toList();
  }
}
