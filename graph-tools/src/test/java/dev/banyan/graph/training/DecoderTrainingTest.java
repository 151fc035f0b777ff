package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Passes;
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
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A decoder as an exporter wrote it, from the model to an adapter. */
class DecoderTrainingTest {
  private static final int EXAMPLES = 24;

  @TempDir Path folder;
  private Bundle bundle;
  private Dataset data;

  @BeforeEach
  void prepare() throws IOException {
    bundle = prepared(TrainingChoice.of(Emission.FUSED), "bundle");
    data = Dataset.read(Files.writeString(folder.resolve("data.jsonl"), counting()));
  }

  private Bundle prepared(TrainingChoice choice, String name) {
    return GraphTools.prepare(
            new PrepareRequest(
                    Fixtures.export("families/llama_dynamo18"),
                    Bundles.tokenizer(folder, 60),
                    Task.CAUSAL_LM,
                    SiteChoice.of("all-linear"),
                    Pooling.MEAN,
                    OptionalInt.of(24),
                    folder.resolve(name))
                .with(new LanguageChoice(Optional.of("w1"), Optional.empty()))
                .with(choice))
        .bundle();
  }

  /** Completions that count on from where the prompt stopped. */
  private static String counting() {
    SplittableRandom random = new SplittableRandom(3);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < EXAMPLES; i++) {
      int from = random.nextInt(2, 40);
      StringBuilder prompt = new StringBuilder();
      StringBuilder completion = new StringBuilder();
      int given = random.nextInt(1, 5);
      for (int word = 0; word < 8; word++) {
        (word < given ? prompt : completion).append("w").append(from + word).append(' ');
      }
      lines.append("{\"prompt\": \"%s\", \"completion\": \"%s\"}\n".formatted(prompt, completion));
    }
    return lines.toString();
  }

  @Test
  void adapterLearnsTheCompletions() {
    TrainingReport report = train(Passes.defaults().withEpochs(25).withPack(24), "adapter");

    Score score = report.eval().orElseThrow();
    double perplexity = score.find(Metric.PERPLEXITY).orElseThrow();
    // Of 60 words none is likelier than another at first.
    assertThat((double) report.losses().getFirst()).isBetween(3.8, 4.6);
    assertThat(perplexity).isLessThan(30).isCloseTo(Math.exp(score.loss()), Offset.offset(1e-9));
    PeftAdapter adapter = PeftAdapter.read(folder.resolve("adapter"));
    assertThat(adapter.config().taskType()).isEqualTo("CAUSAL_LM");
    assertThat(adapter.weights().tensors().keySet())
        .contains("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
  }

  @Test
  void whatRunsAgainGivesTheSameBits() {
    Passes few = Passes.defaults().withEpochs(3);
    List<Float> kept = train(few, "kept").losses();
    bundle = prepared(TrainingChoice.of(Emission.FUSED).withRecompute(), "again");

    assertThat(train(few, "computed-again").losses()).isEqualTo(kept);
  }

  @Test
  void sharedRowsHaveTheLossOfRowsApart() {
    Passes whole =
        Passes.defaults().with(new BatchSize.Examples(EXAMPLES)).withEpochs(1).withMaxSteps(1);

    float apart = train(whole, "apart").losses().getFirst();
    float shared = train(whole.withPack(24), "shared").losses().getFirst();

    // Float32 sums in another order.
    assertThat(shared).isCloseTo(apart, Offset.offset(1e-5f));
  }

  @Test
  void rowsLongerThanTheModelAllowsAreRefused() {
    assertThatThrownBy(() -> train(Passes.defaults().withPack(25), "long"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pack is 25");
  }

  @Test
  void conversationNeedsAChatFormat() throws IOException {
    data =
        Dataset.read(
            Files.writeString(
                folder.resolve("chat.jsonl"),
                "{\"messages\": [{\"role\": \"user\", \"content\": \"w3\"}, {\"role\": \"assistant\", \"content\": \"w4\"}]}\n"));

    assertThatThrownBy(() -> train(Passes.defaults(), "chat"))
        .isInstanceOf(DataFailure.BadLine.class)
        .hasMessageContaining("chat.jsonl, line 1")
        .hasMessageContaining("--chat-format");
  }

  private TrainingReport train(Passes passes, String name) {
    TrainingPlan plan =
        TrainingPlan.defaults().with(passes).with(new LearningRate.Constant(2e-2, 0));
    return new Trainer(bundle, plan, _ -> {})
        .train(new TrainingData(data, Optional.of(data)), folder.resolve(name));
  }
}
