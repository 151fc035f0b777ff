package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.NotMergeable;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.TrainingChoice;
import dev.banyan.runtime.data.Dataset;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.LearningRate;
import dev.banyan.runtime.training.RunPlace;
import dev.banyan.runtime.training.Trainer;
import dev.banyan.runtime.training.TrainingData;
import dev.banyan.runtime.training.TrainingEvent;
import dev.banyan.runtime.training.TrainingListener;
import dev.banyan.runtime.training.TrainingPlan;
import dev.banyan.runtime.training.TrainingReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What every method of learned tokens must do on every encoder: leave texts without them to the
 * base, serve what was trained, keep the texts of a batch apart, learn, and go on where it stopped.
 * A subclass names the method.
 */
abstract class ModelMethodContract {

  @TempDir Path folder;

  /** The method at hand, as on the command line. */
  abstract String method();

  @ParameterizedTest
  @CsvSource({
    "bert_opset14, MEAN",
    "bert_opset17, CLS",
    "bert_opset17, POOLER",
    "bert_dynamo18, MEAN",
    "bert_dynamo20, CLS",
    "distilbert_opset14, MEAN",
    "distilbert_dynamo18, CLS",
    "mpnet_opset17, MEAN",
    "mpnet_dynamo18, CLS",
    "roberta_opset17, MEAN",
    "roberta_dynamo20, CLS"
  })
  void textsWithoutLearnedTokensAreTheBases(String model, Pooling pooling) {
    Bundle bundle = prepare(model, Task.EMBEDDING, pooling, method());
    Bundle plain = prepare(model, Task.EMBEDDING, pooling, "lora:targets=head-only");
    RandomBatch batch =
        RandomBatch.of(new SplittableRandom(4), 40, TokenRuns.ROWS, TokenRuns.LENGTH);
    float[] bare = TokenRuns.serve(plain, batch, "embeddings", 0, 0, 0, 0);

    assertThat(TokenRuns.serve(bundle, batch, "embeddings", 0, 0, 0, 0))
        .containsExactly(bare, within(1e-6f));
    float[] mixed = TokenRuns.serve(bundle, batch, "embeddings", 0, 1, 2, 3);
    int width = bare.length / TokenRuns.ROWS;
    for (int row = 0; row < TokenRuns.ROWS; row++) {
      float[] own = Arrays.copyOfRange(mixed, row * width, (row + 1) * width);
      // Float32 sums over columns of other numbers.
      assertThat(own)
          .as("row " + row)
          .containsExactly(
              TokenRuns.serve(bundle, batch.row(row), "embeddings", row), within(1e-5f));
      float[] base = Arrays.copyOfRange(bare, row * width, (row + 1) * width);
      if (row == 0) {
        assertThat(own).containsExactly(base, within(1e-5f));
      } else {
        assertThat(own).isNotEqualTo(base);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "bert_opset17, EMBEDDING, MEAN", "bert_opset17, TEXT_CLASSIFICATION, POOLER",
    "bert_dynamo18, TOKEN_CLASSIFICATION, MEAN", "mpnet_opset17, TOKEN_CLASSIFICATION, MEAN",
    "roberta_opset17, EMBEDDING, CLS", "distilbert_dynamo18, EMBEDDING, MEAN"
  })
  void whatIsServedIsWhatWasTrained(String model, Task task, Pooling pooling) {
    Bundle bundle = prepare(model, task, pooling, method());
    RandomBatch batch =
        RandomBatch.of(new SplittableRandom(4), 40, TokenRuns.ROWS, TokenRuns.LENGTH);
    String output = task == Task.EMBEDDING ? "embeddings" : "logits";
    for (int slot = 0; slot < TokenRuns.COUNTS.length; slot++) {
      float[] served = TokenRuns.serve(bundle, batch, output, slot, slot, slot, slot);
      float[] trained = TokenRuns.judge(bundle, batch, output, slot);
      assertThat(served).hasSameSizeAs(trained);
      for (int i = 0; i < served.length; i++) {
        if (task != Task.TOKEN_CLASSIFICATION || isToken(batch, i)) {
          assertThat(served[i]).as("slot %d, %d", slot, i).isCloseTo(trained[i], within(1e-5f));
        }
      }
    }
  }

  private static boolean isToken(RandomBatch batch, int element) {
    int token = element / TokenRuns.LABELS;
    return batch.isToken(token / TokenRuns.LENGTH, token % TokenRuns.LENGTH);
  }

  @ParameterizedTest
  @CsvSource({
    "bert_opset17, false",
    "bert_opset17, true",
    "mpnet_dynamo18, false",
    "roberta_opset17, true",
    "distilbert_opset14, false"
  })
  void gradientIsTheSlopeOfTheLoss(String model, boolean recompute) {
    TrainingChoice choice = TrainingChoice.of(Emission.FUSED);
    Bundle bundle =
        prepare(
            request(model, Task.TEXT_CLASSIFICATION, Pooling.MEAN, method())
                .with(recompute ? choice.withRecompute() : choice));
    Map<String, Tensor> batch = TrainingRun.texts(TokenRuns.ROWS, TokenRuns.LENGTH);
    batch.keySet().retainAll(bundle.manifest().text().inputs());
    batch = TrainingRun.plainLoss(batch, TokenRuns.LABELS);
    batch.put("labels", Tensor.ofLongs("labels", Shape.of(TokenRuns.ROWS), 0, 1, 1, 0));
    List<Tensor> parameters = drawn(bundle, TokenRuns.TOKENS, new Random(6));
    TrainingRun.Pass pass = TrainingRun.pass(bundle, parameters, batch);
    for (int direction = 0; direction < 4; direction++) {
      List<Tensor> along = drawn(bundle, TokenRuns.TOKENS, new Random(20 + direction));
      double slope =
          (TrainingRun.pass(bundle, sum(parameters, along, 0.02f), batch).loss()
                  - (double) TrainingRun.pass(bundle, sum(parameters, along, -0.02f), batch).loss())
              / 0.04;
      double expected = 0;
      for (Tensor each : along) {
        float[] gradient = Objects.requireNonNull(pass.gradients().get(each.name()));
        for (int i = 0; i < gradient.length; i++) {
          expected += (double) gradient[i] * each.floats()[i];
        }
      }
      // Central differences of a float32 loss of about 1: 6e-8 of rounding over 0.04.
      assertThat(slope).isCloseTo(expected, within(2e-4 + 2e-3 * Math.abs(expected)));
    }
  }

  @Test
  void adapterLearnsAndIsServedAsItWasTrained() throws IOException {
    Bundle bundle = prepare("bert_opset17", Task.TEXT_CLASSIFICATION, Pooling.MEAN, method());
    Path adapter = folder.resolve("adapter");
    TrainingReport report = train(bundle, RunPlace.of(adapter), _ -> {});
    assertThat(report.losses().getLast()).isLessThan(0.7f * report.losses().getFirst());
    assertThat(report.eval().orElseThrow().accuracy()).isGreaterThan(0.9);

    PeftAdapter saved = PeftAdapter.read(adapter);
    assertThat(saved.config().size(Size.TOKENS, "")).hasValue(TokenRuns.TOKENS);
    assertThat(saved.weights().tensors().keySet())
        .containsExactlyInAnyOrder(
            "prompt_embeddings", "base_model.classifier.weight", "base_model.classifier.bias");
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      model.bank().write(1, AdapterWeights.fit(saved, bundle, ServingPlan.defaults()));
      long[] ids = {1, 7, 9};
      Row row = new Row(new Encoding(ids, new long[3]), 1);
      float[] once = model.run(List.of(row)).logits(0, TokenRuns.LABELS);
      saved.write(folder.resolve("copy"));
      AdapterWeights copy =
          AdapterWeights.fit(
              PeftAdapter.read(folder.resolve("copy")), bundle, ServingPlan.defaults());
      model.bank().write(1, copy);
      assertThat(model.run(List.of(row)).logits(0, TokenRuns.LABELS)).isEqualTo(once);
      model.bank().clear(1);
      assertThat(model.run(List.of(row)).embedding(0))
          .isEqualTo(model.run(List.of(new Row(row.encoding(), 0))).embedding(0));
    }
    assertThatThrownBy(
            () ->
                GraphTools.merge(
                    new MergeRequest(bundle.dir(), adapter, folder.resolve("m.onnx"), false)))
        .isInstanceOf(NotMergeable.class)
        .hasMessageContaining(method());
  }

  @Test
  void runThatGoesOnGivesTheSameBytes() throws IOException {
    Bundle bundle = prepare("bert_opset17", Task.TEXT_CLASSIFICATION, Pooling.MEAN, method());
    TrainingReport whole = train(bundle, RunPlace.of(folder.resolve("whole")), _ -> {});
    RunPlace place = RunPlace.of(folder.resolve("parts")).savedEvery(5);
    assertThatThrownBy(
            () ->
                train(
                    bundle,
                    place,
                    event -> {
                      if (event instanceof TrainingEvent.StateSaved) {
                        throw new IllegalStateException("crash");
                      }
                    }))
        .hasMessage("crash");
    assertThat(train(bundle, place.resumed(), _ -> {}).adapterDigest())
        .isEqualTo(whole.adapterDigest());
  }

  @Test
  void textsAreCutSoThatTheyFitBehindTheLearnedTokens() throws IOException {
    Bundle bundle = prepare("bert_opset17", Task.EMBEDDING, Pooling.MEAN, method());
    int positions = bundle.manifest().text().positions().orElseThrow();
    int room = ServingPlan.defaults().room().of(Size.TOKENS);
    ParameterSpec spec = bundle.manifest().parameters().getFirst();
    Tensor tokens =
        Tensor.ofFloats(
            spec.name(), spec.shape(TokenRuns.sizes(room)), TokenRuns.numbers(spec, room));
    AdapterWeights weights =
        new AdapterWeights(
            bundle.manifest().base().digest(),
            Task.EMBEDDING,
            List.of(),
            TokenRuns.sizes(room),
            Map.of(spec.name(), tokens));
    long[] ids = new Random(2).longs(positions, 2, 40).toArray();
    long[] cut = Arrays.copyOf(ids, positions - room);
    cut[cut.length - 1] = ids[ids.length - 1];
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      model.bank().write(1, weights);
      Row whole = new Row(new Encoding(ids, new long[ids.length]), 1);
      Row fitting = new Row(new Encoding(cut, new long[cut.length]), 1);
      Row bare = new Row(whole.encoding(), 0);
      assertThat(model.run(List.of(whole, bare)).embedding(0))
          .containsExactly(model.run(List.of(fitting)).embedding(0), within(1e-5f));
      assertThat(model.run(List.of(whole, bare)).embedding(1))
          .containsExactly(model.run(List.of(bare)).embedding(0), within(1e-5f));
    }
    assertThatThrownBy(() -> new Trainer(bundle, plan(positions - 2), _ -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("virtual-tokens is " + (positions - 2))
        .hasMessageContaining("takes " + positions);
  }

  private static TrainingPlan plan(int tokens) {
    TrainingPlan usual = TrainingPlan.defaults();
    return usual
        .with(AdapterPlan.lora(1, 1).with(Size.TOKENS, tokens))
        .with(usual.passes().withEpochs(12))
        .with(new LearningRate.Constant(0.03, 0));
  }

  private TrainingReport train(Bundle bundle, RunPlace place, TrainingListener listener)
      throws IOException {
    Dataset data = Bundles.texts(folder);
    return new Trainer(bundle, plan(TokenRuns.TOKENS), listener)
        .train(new TrainingData(data, Optional.of(data)), place);
  }

  private PrepareRequest request(String model, Task task, Pooling pooling, String method) {
    return new PrepareRequest(
            Fixtures.export(model),
            Bundles.tokenizer(folder, 40),
            task,
            SiteChoice.of("head-only"),
            pooling,
            OptionalInt.empty(),
            folder.resolve("bundle-" + method.replaceAll("\\W", "-")))
        .withMethods(List.of(MethodChoice.parse(method, SiteChoice.of(""))));
  }

  private Bundle prepare(String model, Task task, Pooling pooling, String method) {
    return prepare(request(model, task, pooling, method));
  }

  private static Bundle prepare(PrepareRequest request) {
    return GraphTools.prepare(request).bundle();
  }

  private static List<Tensor> drawn(Bundle bundle, int tokens, Random random) {
    return new ParameterInitializer(1)
        .tensors(bundle.manifest().parameters(), TokenRuns.sizes(tokens)).stream()
            .map(
                tensor -> {
                  float[] values = new float[Math.toIntExact(tensor.shape().elements())];
                  for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (0.3 * random.nextGaussian());
                  }
                  return Tensor.ofFloats(tensor.name(), tensor.shape(), values);
                })
            .toList();
  }

  private static List<Tensor> sum(List<Tensor> of, List<Tensor> direction, float factor) {
    List<Tensor> sums = new ArrayList<>();
    for (int i = 0; i < of.size(); i++) {
      float[] values = of.get(i).floats();
      float[] step = direction.get(i).floats();
      for (int j = 0; j < values.length; j++) {
        values[j] += factor * step[j];
      }
      sums.add(Tensor.ofFloats(of.get(i).name(), of.get(i).shape(), values));
    }
    return sums;
  }
}
