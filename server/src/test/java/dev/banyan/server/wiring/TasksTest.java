package dev.banyan.server.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.artifacts.bundle.EmbeddingInfo.Objective;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.graph.GraphFailure;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.runtime.data.BatchSize;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.inference.AdapterEvaluation;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.ClassWeights;
import dev.banyan.runtime.training.EngineKind;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.LossPlan;
import dev.banyan.runtime.training.Passes;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingFailure;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import dev.banyan.server.wiring.HttpProbe.Reply;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every task from a model and records to a judged adapter, on a small BERT of random weights. */
@Timeout(240)
class TasksTest {
  private static final Path MODEL =
      Path.of(System.getProperty("banyan.root", ".."))
          .resolve("benchmarks/parity/fixtures/bert_opset17.onnx");

  /** The serving graph adds up in another order than the training graph. */
  private static final double SAME = 1e-4;

  /** Texts are told apart within a batch, so training and judgement have to have the same. */
  private static final int BATCH = 16;

  @TempDir static Path temp;
  private static Path tokenizer;
  private static Bundle oneLabel;

  @TempDir Path folder;

  @BeforeAll
  static void prepareOnce() {
    tokenizer = ToyTasks.tokenizer(temp);
    oneLabel = prepare(Task.TEXT_CLASSIFICATION, EmbeddingInfo.pairs(), temp.resolve("one-label"));
  }

  @ParameterizedTest
  @EnumSource(EngineKind.class)
  void manyLabelsAreLearned(EngineKind engine) {
    Bundle bundle = prepare(Task.MULTI_LABEL);
    TrainingReport report = train(bundle, ToyTasks::labels, plan().with(engine));
    assertThat(report.labels()).containsExactly("has1", "has2", "has3");
    assertThat(metric(report, Metric.MICRO_F1)).isGreaterThan(0.95);
    assertThat(metric(report, Metric.EXACT_MATCH)).isGreaterThan(0.9);
    requireServedAlike(bundle, report, "SEQ_CLS");
  }

  @Test
  void numbersAreLearned() {
    Bundle bundle = prepare(Task.REGRESSION);
    TrainingReport report = train(bundle, ToyTasks::score, plan());
    assertThat(metric(report, Metric.PEARSON)).isGreaterThan(0.95);
    assertThat(metric(report, Metric.SPEARMAN)).isGreaterThan(0.9);
    // The numbers 0 to 3 have a variance of 1.25, which is the error of always saying their mean.
    assertThat(metric(report, Metric.MSE)).isLessThan(0.15);
    requireServedAlike(bundle, report, "SEQ_CLS");
  }

  @ParameterizedTest
  @EnumSource(EngineKind.class)
  void wordsAreLabelled(EngineKind engine) {
    Bundle bundle = prepare(Task.TOKEN_CLASSIFICATION);
    TrainingPlan plan = plan().with(engine).with(new LossPlan(0.05, new ClassWeights.Balanced()));
    TrainingReport report = train(bundle, ToyTasks::tags, plan);
    assertThat(report.labels()).containsExactly("B-X", "I-X", "O");
    assertThat(metric(report, Metric.ENTITY_F1)).isGreaterThan(0.95);
    assertThat(metric(report, Metric.ACCURACY)).isGreaterThan(0.95);
    requireServedAlike(bundle, report, "TOKEN_CLS");
  }

  @Test
  void labelOfNoWeightIsNotLearned() throws IOException {
    Path weights = Files.writeString(folder.resolve("weights.json"), "{\"rare\": 0, \"usual\": 1}");
    LossPlan one = new LossPlan(0, ClassWeights.parse(weights.toString()));
    TrainingReport report = train(oneLabel, ToyTasks::label, plan().with(one));
    // Of the two labels' F1 one is 0, as its label is never answered.
    assertThat(metric(report, Metric.MACRO_F1)).isLessThan(0.5);
  }

  @Test
  void smoothingKeepsTheLossUp() {
    TrainingReport plain = train(oneLabel, ToyTasks::label, plan());
    TrainingReport smoothed =
        train(oneLabel, ToyTasks::label, plan().with(new LossPlan(0.2, new ClassWeights.Equal())));
    assertThat(metric(plain, Metric.ACCURACY)).isGreaterThan(0.95);
    assertThat(metric(smoothed, Metric.ACCURACY)).isGreaterThan(0.95);
    // With two labels, of 0.2 half goes to the wrong one: the least there can be is this entropy.
    double least = -0.9 * Math.log(0.9) - 0.1 * Math.log(0.1);
    assertThat((double) smoothed.losses().getLast()).isGreaterThan(least - 1e-3);
    assertThat((double) plain.losses().getLast()).isLessThan(least);
    requireServedAlike(oneLabel, smoothed, "SEQ_CLS");
  }

  @ParameterizedTest
  @EnumSource(Objective.class)
  void embeddingsAreLearned(Objective objective) {
    Bundle bundle =
        prepare(Task.EMBEDDING, new EmbeddingInfo(objective, 0.1), folder.resolve("bundle"));
    assertThat(bundle.manifest().embedding().orElseThrow().objective()).isEqualTo(objective);
    Function<Random, String> records =
        switch (objective) {
          case PAIRS -> ToyTasks::pair;
          case TRIPLETS -> ToyTasks::triplet;
          case SCORED -> ToyTasks::scoredPair;
        };
    TrainingReport report = train(bundle, records, plan());
    Score base = judge(bundle, 0);
    Score learned = report.eval().orElseThrow();
    assertThat(learned.betterThan(base)).as("%s beats %s", learned, base).isTrue();
    assertThat(learned.loss()).isLessThan(base.loss() * 0.8);
    requireServedAlike(bundle, report, "FEATURE_EXTRACTION");
  }

  @Test
  void oneServerAnswersAdaptersOfSeveralTasks() {
    TrainingReport report = train(oneLabel, ToyTasks::label, plan(), "acme/one");
    Bundle several = prepare(Task.MULTI_LABEL);
    train(several, ToyTasks::labels, plan(), "acme/many");
    Bundle numbers = prepare(Task.REGRESSION, EmbeddingInfo.pairs(), folder.resolve("numbers"));
    train(numbers, ToyTasks::score, plan(), "acme/number");
    Bundle tokens =
        prepare(Task.TOKEN_CLASSIFICATION, EmbeddingInfo.pairs(), folder.resolve("tokens"));
    train(tokens, ToyTasks::tags, plan(), "acme/tags");
    assertThat(report.labels()).hasSize(2);

    try (RunningServer server =
        Wiring.start(ServerConfig.of(oneLabel.dir(), folder.resolve("adapters")).withPort(0))) {
      HttpProbe http = new HttpProbe(server);
      assertThat(sum(http.classify("acme/one", "w20 w1"))).isCloseTo(1, within(SAME));
      // Two labels hold, so their probabilities add up to about two.
      assertThat(sum(http.classify("acme/many", "w20 w1 w2 w30"))).isBetween(1.5, 2.5);
      assertThat(http.classify("acme/number", "w1 w1 w1").data(0).getDouble("score"))
          .isBetween(2.0, 4.0);
      Reply refused = http.post("/v1/adapters", new JsonObject().put("model", "acme/tags"));
      assertThat(refused.status()).isEqualTo(422);
      assertThat(refused.text())
          .contains("trained for token-classification")
          .contains("prepare a bundle of the base with --task token-classification");
    }
    try (RunningServer server =
        Wiring.start(ServerConfig.of(tokens.dir(), folder.resolve("adapters")).withPort(0))) {
      Reply refused =
          new HttpProbe(server).post("/v1/adapters", new JsonObject().put("model", "acme/tags"));
      assertThat(refused.text())
          .contains("trained for token-classification, which this server has no operation for");
    }
  }

  private static double sum(Reply reply) {
    return reply.data(0).getJsonArray("scores").stream()
        .mapToDouble(score -> ((JsonObject) score).getDouble("score"))
        .sum();
  }

  @Test
  void weightsAreRefusedWhereThereAreNoClasses() {
    Bundle bundle = prepare(Task.REGRESSION);
    TrainingPlan plan = plan().with(new LossPlan(0, new ClassWeights.Balanced()));
    assertThatThrownBy(() -> train(bundle, ToyTasks::score, plan))
        .isInstanceOf(TrainingFailure.NoSuchLoss.class)
        .hasMessageContaining("for the task regression takes no --label-smoothing");
  }

  @Test
  void poolerDoesNotGoWithTokens() {
    PrepareRequest request = request(Task.TOKEN_CLASSIFICATION, Pooling.POOLER);
    assertThatThrownBy(() -> GraphTools.prepare(request))
        .isInstanceOf(GraphFailure.UnusableModel.class)
        .hasMessageContaining("Pooling 'pooler' does not go with the task token-classification");
  }

  private Bundle prepare(Task task) {
    return prepare(task, EmbeddingInfo.pairs(), folder.resolve("bundle"));
  }

  private static Bundle prepare(Task task, EmbeddingInfo embedding, Path out) {
    PrepareRequest request =
        new PrepareRequest(
            MODEL,
            tokenizer,
            task,
            PrepareRequest.SiteChoice.of("all-linear"),
            Pooling.MEAN,
            OptionalInt.of(16),
            out);
    return GraphTools.prepare(request.with(embedding)).bundle();
  }

  private PrepareRequest request(Task task, Pooling pooling) {
    return new PrepareRequest(
        MODEL,
        tokenizer,
        task,
        PrepareRequest.SiteChoice.of("all-linear"),
        pooling,
        OptionalInt.of(16),
        folder.resolve("refused"));
  }

  private static TrainingPlan plan() {
    return TrainingPlan.defaults()
        .with(AdapterPlan.lora(8, 16))
        .with(new LearningRate.Constant(0.01, 0))
        .with(Passes.defaults().with(new BatchSize.Examples(BATCH)).withEpochs(8));
  }

  private TrainingReport train(Bundle bundle, Function<Random, String> records, TrainingPlan plan) {
    return train(bundle, records, plan, "acme/toy");
  }

  private TrainingReport train(
      Bundle bundle, Function<Random, String> records, TrainingPlan plan, String name) {
    Path train = ToyTasks.data(folder.resolve("train.jsonl"), records, 240, 1);
    Path held = ToyTasks.data(folder.resolve("held.jsonl"), records, 80, 2);
    return new Trainer(bundle, plan, event -> {})
        .train(
            new TrainingData(Dataset.read(train), Optional.of(Dataset.read(held))),
            folder.resolve("adapters").resolve(name));
  }

  private static double metric(TrainingReport report, Metric metric) {
    return report.eval().orElseThrow().find(metric).orElseThrow();
  }

  /** What was judged in training is judged the same when the adapter is loaded from its files. */
  private void requireServedAlike(Bundle bundle, TrainingReport report, String peftType) {
    PeftAdapter adapter = PeftAdapter.read(folder.resolve("adapters/acme/toy"));
    assertThat(adapter.config().taskType()).isEqualTo(peftType);
    assertThat(adapter.metadata().task()).contains(bundle.manifest().task());
    Score expected = report.eval().orElseThrow();
    Score served = judge(bundle, 1);
    assertThat(served.metrics().keySet()).containsExactlyElementsOf(expected.metrics().keySet());
    expected
        .metrics()
        .forEach(
            (metric, value) ->
                assertThat(served.find(metric).orElseThrow())
                    .as(metric.key())
                    .isCloseTo(value, within(SAME)));
    assertThat(served.loss()).isCloseTo(expected.loss(), within(SAME));
  }

  /** The held-out examples by the adapter in slot 1, or by the bare base in slot 0. */
  private Score judge(Bundle bundle, int slot) {
    ServingPlan plan = ServingPlan.defaults();
    AdapterWeights weights =
        AdapterWeights.fit(PeftAdapter.read(folder.resolve("adapters/acme/toy")), bundle, plan);
    List<String> labels = weights.labels();
    try (BaseModel model = BaseModel.open(bundle, plan)) {
      model.bank().write(1, weights);
      return new AdapterEvaluation(model, slot, BATCH)
          .score(Dataset.read(folder.resolve("held.jsonl")), labels);
    }
  }
}
