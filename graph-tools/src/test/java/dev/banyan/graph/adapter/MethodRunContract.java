package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.training.TrainingRun;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.BatchOutput;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a run must do with every method, on a tiny BERT with a pooler: learn, leave the base as it
 * is, go on where it stopped, and give the same answers wherever the adapter goes. A subclass names
 * the method.
 */
abstract class MethodRunContract {
  private static final int LABELS = 3;
  private static final int EPOCHS = 8;

  @TempDir Path folder;

  Bundle bundle;

  /** As {@code --method} takes it. */
  abstract String method();

  /** Whether adapters can become part of the base. */
  boolean mergeable() {
    return true;
  }

  /** The learning rate at which a tiny model learns a little in a few steps. */
  double rate() {
    return 0.01;
  }

  /** Slots beside the bare base; fewer where an adapter is large. */
  int slots() {
    return 3;
  }

  @BeforeEach
  void prepare() {
    bundle = prepared(method(), "bundle");
  }

  @Test
  void theBaseStaysAsItIs() throws IOException {
    Digest before = Digest.of(bundle.file(Bundle.BASE_DATA));
    Path adapter = trained("adapter");
    assertThat(adapter).isDirectory();
    assertThat(Digest.of(bundle.file(Bundle.BASE_DATA))).isEqualTo(before);
    bundle.verify();
  }

  @Test
  void theLossFalls() throws IOException {
    List<Float> losses =
        new Trainer(bundle, plan(), event -> {}).train(data(), folder.resolve("adapter")).losses();
    assertThat(losses.getLast()).isLessThan(0.9f * losses.getFirst());
  }

  @Test
  void itAnswersTheSameAloneAndBesideOthersAndMerged() throws IOException {
    Path adapter = trained("adapter");
    AdapterWeights weights = fit(adapter);
    RecordedTexts texts = texts();
    Bundle plain = prepared("lora:targets=query", "plain");
    Optional<float[]> merged = mergeable() ? Optional.of(merged(adapter, texts)) : Optional.empty();
    try (BaseModel model = BaseModel.open(bundle, serving());
        BaseModel bare = BaseModel.open(plain, serving())) {
      model.bank().write(1, LargerAdapter.of(weights));
      model.bank().write(2, weights);
      List<Row> mixed = new ArrayList<>();
      for (int slot : new int[] {0, 1, 2}) {
        mixed.addAll(texts.at(slot));
      }
      BatchOutput together = model.run(mixed);
      for (int text = 0; text < texts.rows(); text++) {
        Row own = texts.at(0).get(text);
        // ONNX Runtime fuses a product with the bias behind it, unless something is in between.
        assertThat(together.embedding(text))
            .containsExactly(bare.run(List.of(own)).embedding(0), within(1e-6f));
        for (int slot : new int[] {1, 2}) {
          float[] alone = model.run(List.of(texts.at(slot).get(text))).logits(0, LABELS);
          assertThat(together.logits(slot * texts.rows() + text, LABELS))
              .containsExactly(alone, within(1e-5f));
        }
        if (merged.isPresent()) {
          assertThat(together.logits(2 * texts.rows() + text, LABELS))
              .containsExactly(
                  Arrays.copyOfRange(merged.get(), text * LABELS, (text + 1) * LABELS),
                  within(1e-4f));
        }
      }
    }
  }

  /** The merged model's logits; merging has held it against the graph that training judges by. */
  private float[] merged(Path adapter, RecordedTexts texts) {
    Path file = folder.resolve("merged.onnx");
    double difference =
        GraphTools.merge(new MergeRequest(bundle.dir(), adapter, file, false))
            .answers()
            .difference();
    assertThat(difference).isLessThan(1e-4);
    try (InferenceSession session = InferenceSession.open(file, SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out =
            session.run(TrainingRun.feeds(scope, texts.texts()), List.of("logits"))) {
      return out.floats("logits");
    }
  }

  @Test
  void whatCannotBeMergedIsRefusedWithTheReason() throws IOException {
    if (!mergeable()) {
      Path adapter = trained("adapter");
      Path file = folder.resolve("merged.onnx");
      assertThatThrownBy(
              () -> GraphTools.merge(new MergeRequest(bundle.dir(), adapter, file, false)))
          .isInstanceOf(NotMergeable.class)
          .hasMessageContaining("serve base and adapter");
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void whatIsReadAndWrittenAgainAnswersWithTheSameBits() throws IOException {
    Path adapter = trained("adapter");
    PeftAdapter.read(adapter).write(folder.resolve("copy"));
    PeftAdapter copy = PeftAdapter.read(folder.resolve("copy"));
    assertThat(copy.digest()).isEqualTo(PeftAdapter.read(adapter).digest());
    assertThat(copy.config().json()).isEqualTo(PeftAdapter.read(adapter).config().json());
    assertThat(copy.config().methods())
        .containsExactly(MethodName.of(method().replaceFirst(":.*", "")).orElseThrow());
    List<float[]> answers = new ArrayList<>();
    for (Path each : List.of(adapter, folder.resolve("copy"))) {
      try (BaseModel model = BaseModel.open(bundle, serving())) {
        model.bank().write(1, fit(each));
        BatchOutput out = model.run(texts().at(1));
        answers.add(out.logits(0, LABELS));
      }
    }
    assertThat(answers.get(1)).isEqualTo(answers.get(0));
  }

  @Test
  void aRunThatGoesOnGivesTheSameBytes() throws IOException {
    Path whole = trained("whole");
    CrashedRun.requireSameBytes(bundle, plan(), data(), whole);
  }

  Bundle prepared(String text, String out) {
    return GraphTools.prepare(
            new PrepareRequest(
                    Fixtures.peftBase("bert"),
                    Fixtures.peftBase("bert").resolveSibling("tokenizer.json"),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("head-only"),
                    Pooling.POOLER,
                    OptionalInt.empty(),
                    folder.resolve(out))
                .withMethods(List.of(MethodChoice.parse(text, SiteChoice.of("")))))
        .bundle();
  }

  /** The folder of an adapter that has learned a little. */
  Path trained(String out) throws IOException {
    new Trainer(bundle, plan(), event -> {}).train(data(), folder.resolve(out));
    return folder.resolve(out);
  }

  /** How it trains. */
  TrainingPlan plan() {
    TrainingPlan usual = TrainingPlan.defaults();
    return usual.with(new LearningRate.Linear(rate(), 0.1)).with(usual.passes().withEpochs(EPOCHS));
  }

  TrainingData data() throws IOException {
    StringBuilder lines = new StringBuilder();
    List<String> texts =
        List.of("My card was charged twice", "The page stays white", "Where is it");
    for (int i = 0; i < 18; i++) {
      lines.append(
          "{\"text\": \"%s %d\", \"label\": \"%s\"}%n"
              .formatted(texts.get(i % 3), i, "abc".charAt(i % 3)));
    }
    Path file = Files.writeString(folder.resolve("train.jsonl"), lines);
    return new TrainingData(Dataset.read(file), Optional.empty());
  }

  AdapterWeights fit(Path adapter) {
    return AdapterWeights.fit(PeftAdapter.read(adapter), bundle, serving());
  }

  private ServingPlan serving() {
    return new ServingPlan(slots(), 8, LABELS, SessionSettings.defaults());
  }

  private static RecordedTexts texts() {
    return RecordedTexts.of(
        SafetensorsFile.read(Fixtures.peftMethod("ln_tuning").resolve("expected.safetensors")));
  }
}
