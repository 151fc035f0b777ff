package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.AdapterEvaluation;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Learned tokens beside each other, beside other methods and beside the bare base. */
class TokensBesideMethodsTest {
  private static final int LABELS = 3;
  private static final List<String> ADAPTERS = List.of("lora", "prompt_tuning", "prefix_tuning");

  @TempDir Path folder;

  @Test
  void adaptersThatPeftWroteShareABatch() {
    Bundle bundle = prepare();
    List<Row> rows = new ArrayList<>();
    List<float[]> expected = new ArrayList<>();
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      for (int slot = 1; slot <= ADAPTERS.size(); slot++) {
        Path adapter = Fixtures.peftMethod(ADAPTERS.get(slot - 1));
        model
            .bank()
            .write(
                slot,
                AdapterWeights.fit(PeftAdapter.read(adapter), bundle, ServingPlan.defaults()));
        SafetensorsFile recorded = SafetensorsFile.read(adapter.resolve("expected.safetensors"));
        rows.addAll(RecordedTexts.of(recorded).at(slot));
        expected.add(recorded.tensor("logits").orElseThrow().floats());
      }
      List<Row> bare = rows.stream().map(row -> new Row(row.encoding(), 0)).toList();
      BatchOutput mixed = model.run(Stream.concat(rows.stream(), bare.stream()).toList());
      int texts = rows.size() / ADAPTERS.size();
      for (int row = 0; row < rows.size(); row++) {
        float[] own = expected.get(row / texts);
        int text = row % texts;
        // Two programs sum in other orders; the logits are of about 1.
        assertThat(mixed.logits(row, LABELS))
            .as(ADAPTERS.get(row / texts))
            .containsExactly(
                Arrays.copyOfRange(own, text * LABELS, (text + 1) * LABELS), within(1e-4f));
        assertThat(mixed.embedding(rows.size() + row))
            .containsExactly(model.run(List.of(bare.get(row))).embedding(0), within(1e-5f));
      }
    }
  }

  @Test
  void allInOneAdapterAreLearnedWrittenAndServed() throws IOException {
    Bundle bundle = prepare();
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 24; i++) {
      String text = (i % 2 == 0 ? "refund order" : "invoice account").repeat(1 + i % 3);
      lines.append("{\"text\": \"%s %d\", \"label\": \"%d\"}%n".formatted(text, i, i % 2));
    }
    Dataset data = Dataset.read(Files.writeString(folder.resolve("data.jsonl"), lines));
    TrainingPlan usual = TrainingPlan.defaults();
    TrainingPlan plan =
        usual
            .with(AdapterPlan.lora(2, 4).with(Size.TOKENS, 4))
            .with(usual.passes().withEpochs(10))
            .with(new LearningRate.Constant(0.01, 0));
    Path out = folder.resolve("adapter");
    TrainingReport report =
        new Trainer(bundle, plan, _ -> {}).train(new TrainingData(data, Optional.of(data)), out);
    assertThat(report.losses().getLast()).isLessThan(0.8f * report.losses().getFirst());

    PeftAdapter adapter = PeftAdapter.read(out);
    assertThat(adapter.config().methods())
        .containsExactlyInAnyOrder(MethodName.PROMPT, MethodName.PREFIX, MethodName.LORA);
    assertThat(adapter.weights().tensors())
        .containsKeys(
            "prompt_embeddings", "prefix_embeddings", "base_model.model.classifier.weight");
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      AdapterWeights weights = AdapterWeights.fit(adapter, bundle, ServingPlan.defaults());
      model.bank().write(1, weights);
      // What is served scores what training scored last.
      assertThat(new AdapterEvaluation(model, 1, 8).score(data, weights.labels()).loss())
          .isCloseTo(report.eval().orElseThrow().loss(), within(1e-4));
    }
  }

  private Bundle prepare() {
    Path base = Fixtures.peftBase("bert");
    return GraphTools.prepare(
            new PrepareRequest(
                    base,
                    base.resolveSibling("tokenizer.json"),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("all-linear"),
                    Pooling.POOLER,
                    OptionalInt.empty(),
                    folder.resolve("bundle"))
                .withMethods(
                    Stream.of("lora", "prefix", "prompt")
                        .map(text -> MethodChoice.parse(text, SiteChoice.of("all-linear")))
                        .toList()))
        .bundle();
  }
}
