package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.NoSuchSite;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeRequest;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters with biases and modules of the base, against what PEFT wrote and computed with them. */
class BaseWeightsTest {
  private static final SafetensorsFile RECORDED =
      SafetensorsFile.read(Fixtures.recording("peft/saved"));

  private static final RecordedTexts TEXTS = RecordedTexts.of(RECORDED);

  private static final float LOGIT_TOLERANCE = 1e-4f;
  private static final int LABELS = 3;
  private static final BaseWeightChoice ALL = new BaseWeightChoice(BiasTraining.ALL, List.of());

  /** alpha / r of the recorded adapters. */
  private static final float SCALING = 2;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "bias_lora_only, FUSED",
    "bias_lora_only, PLAIN",
    "bias_all, FUSED",
    "bias_all, PLAIN",
    "modules_to_save, FUSED",
    "modules_to_save, PLAIN"
  })
  void gradientsOfTheBasesWeightsArePyTorchs(String name, Emission emission) {
    Bundle bundle = bundle(name, emission);
    AdapterWeights weights = weights(name, bundle);
    Map<String, Tensor> feeds = new LinkedHashMap<>(TEXTS.texts());
    feeds.put("labels", tensor("labels"));
    feeds.put("label_smoothing", Tensor.ofFloats("label_smoothing", Shape.SCALAR, 0f));
    feeds.put("class_weights", Tensor.ofFloats("class_weights", Shape.of(LABELS), 1, 1, 1));
    // The scaling is in lora_B already.
    feeds.put("lora_scaling", TrainingRun.scaling(bundle, 1));
    feeds.putAll(weights.tensors());
    assertThat(weights.tensors()).hasSize(bundle.manifest().parameters().size());
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.GRADIENT_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out =
            session.run(
                TrainingRun.feeds(scope, feeds),
                bundle.manifest().parameters().stream()
                    .map(spec -> spec.name() + "_grad")
                    .toList())) {
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        float[] wanted = recordedGradient(name, spec);
        float[] seen = out.floats(spec.name() + "_grad");
        BiasGradients.requireClose(spec.name(), seen, wanted);
      }
    }
  }

  private static float[] recordedGradient(String name, ParameterSpec spec) {
    Tensor recorded = tensor("gradients/" + name + "/" + key(spec));
    float[] values = spec.layout().toGraph(recorded).floats();
    for (int i = 0; i < values.length && spec.scaled(); i++) {
      values[i] /= SCALING;
    }
    return values;
  }

  @ParameterizedTest
  @ValueSource(strings = {"bias_lora_only", "bias_all", "modules_to_save"})
  void anAdapterOfPeftIsServedAndMergedAsPeftComputesIt(String name) {
    Bundle bundle = bundle(name, Emission.FUSED);
    AdapterWeights weights = weights(name, bundle);
    float[] expected = tensor("logits/" + name).floats();
    int texts = TEXTS.at(0).size();
    try (BaseModel model =
        BaseModel.open(
            bundle, new ServingPlan(3, weights.rank(), LABELS, SessionSettings.defaults()))) {
      List<float[]> bare = new ArrayList<>();
      for (Row row : TEXTS.at(0)) {
        bare.add(model.run(List.of(row)).embedding(0));
      }
      model.bank().write(2, weights);
      model.bank().write(3, LargerAdapter.of(weights));
      List<Row> mixed = new ArrayList<>();
      for (int slot : new int[] {0, 2, 3}) {
        mixed.addAll(TEXTS.at(slot));
      }
      BatchOutput together = model.run(mixed);
      for (int text = 0; text < texts; text++) {
        assertThat(together.logits(texts + text, LABELS))
            .as("text " + text)
            .containsExactly(
                Arrays.copyOfRange(expected, text * LABELS, (text + 1) * LABELS),
                within(LOGIT_TOLERANCE));
        assertThat(together.embedding(text)).containsExactly(bare.get(text), within(1e-6f));
        for (int slot : new int[] {2, 3}) {
          float[] alone = model.run(List.of(TEXTS.at(slot).get(text))).logits(0, LABELS);
          assertThat(together.logits((slot - 1) * texts + text, LABELS))
              .containsExactly(alone, within(1e-5f));
        }
      }
    }
    Path merged = folder.resolve("merged.onnx");
    MergeReport report =
        GraphTools.merge(new MergeRequest(bundle.dir(), recorded(name), merged, false));
    assertThat(report.answers().difference()).isLessThan(LOGIT_TOLERANCE);
    assertThat(run(merged, "logits")).containsExactly(expected, within(LOGIT_TOLERANCE));
  }

  @Test
  void theBareBaseStaysWhateverIsLoaded() {
    Bundle plain = prepare(BaseWeightChoice.none(), Emission.FUSED, "plain");
    Bundle all = bundle("bias_all", Emission.FUSED);
    List<float[]> expected = embeddings(plain, Optional.empty());
    List<float[]> seen = embeddings(all, Optional.empty());
    for (int text = 0; text < expected.size(); text++) {
      // ONNX Runtime fuses a product with the bias behind it, unless something comes in between.
      assertThat(seen.get(text)).containsExactly(expected.get(text), within(1e-6f));
    }
    List<float[]> beside = embeddings(all, Optional.of(weights("bias_all", all)));
    assertThat(beside.toArray(float[][]::new)).isDeepEqualTo(seen.toArray(float[][]::new));
  }

  private static List<float[]> embeddings(Bundle bundle, Optional<AdapterWeights> beside) {
    try (BaseModel model = BaseModel.open(bundle, ServingPlan.defaults())) {
      beside.ifPresent(weights -> model.bank().write(1, weights));
      return TEXTS.at(0).stream().map(row -> model.run(List.of(row)).embedding(0)).toList();
    }
  }

  @Test
  void aBundleWithoutThemRefusesThemByName() {
    Bundle bundle = prepare(BaseWeightChoice.none(), Emission.FUSED, "plain");
    assertThatThrownBy(() -> weights("bias_all", bundle))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageMatching("(?s).*'base_model.model.bert.*bias'.*--bias all.*");
    assertThatThrownBy(() -> weights("modules_to_save", bundle))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("prepare a bundle with --modules-to-save bert.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bias_lora_only", "bias_all", "modules_to_save"})
  void trainingWritesWhatPeftWritesAndGoesOnWithTheSameBytes(String name) throws IOException {
    Bundle bundle = bundle(name, Emission.FUSED);
    TrainingData data = data();
    TrainingPlan plan = TrainingPlan.defaults().with(new LearningRate.Linear(0.01, 0.1));
    Path whole = folder.resolve("whole");
    new Trainer(bundle, plan, event -> {}).train(data, whole);
    CrashedRun.requireSameBytes(bundle, plan, data, whole);
    PeftAdapter written = PeftAdapter.read(whole);
    PeftAdapter theirs = PeftAdapter.read(recorded(name));
    assertThat(new TreeSet<>(written.weights().tensors().keySet()))
        .isEqualTo(
            theirs.weights().tensors().keySet().stream()
                .filter(
                    key -> !key.contains(".original_module.") && !key.contains(".modules_to_save."))
                .collect(Collectors.toCollection(TreeSet::new)));
    assertThat(written.config().bias()).isEqualTo(theirs.config().bias());
    requireMoved(bundle, written);
  }

  /** Each weight is near the base's, and not the base's. */
  private static void requireMoved(Bundle bundle, PeftAdapter written) {
    BaseValues base = BaseValues.of(bundle);
    AdapterWeights weights = AdapterWeights.fit(written, bundle, ServingPlan.defaults());
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      if (spec.isOfBase()) {
        Tensor trained = Objects.requireNonNull(weights.tensors().get(spec.name()));
        float[] moved = base.banked(spec, trained).floats();
        double most = 0;
        for (float distance : moved) {
          most = Math.max(most, Math.abs(distance));
        }
        assertThat(most).as(spec.name()).isBetween(1e-5, 0.5);
      }
    }
  }

  @Test
  void whatIsNotThereIsRefused() {
    assertThatThrownBy(
            () ->
                prepare(
                    new BaseWeightChoice(BiasTraining.NONE, List.of("pooler.dens")),
                    Emission.FUSED,
                    "none"))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContaining("pooler.dens")
        .hasMessageContaining("pooler.dense");
    assertThatThrownBy(
            () ->
                prepare(
                    new BaseWeightChoice(BiasTraining.NONE, List.of("query", "value")),
                    Emission.FUSED,
                    "none"))
        .isInstanceOf(NoSuchSite.class)
        .hasMessageContaining("every layer");
  }

  private static BaseWeightChoice choice(String name) {
    return switch (name) {
      case "bias_lora_only" -> new BaseWeightChoice(BiasTraining.LORA_ONLY, List.of());
      case "bias_all" -> ALL;
      default ->
          new BaseWeightChoice(
              BiasTraining.NONE,
              List.of("classifier", "pooler", "1.attention.output.dense", "embeddings.LayerNorm"));
    };
  }

  private Bundle bundle(String name, Emission emission) {
    return prepare(choice(name), emission, "bundle");
  }

  private Bundle prepare(BaseWeightChoice choice, Emission emission, String out) {
    return GraphTools.prepare(
            new PrepareRequest(
                    recorded("encoder.onnx"),
                    recorded("tokenizer.json"),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("query,value"),
                    Pooling.POOLER,
                    emission,
                    OptionalInt.empty(),
                    folder.resolve(out))
                .with(choice))
        .bundle();
  }

  private static AdapterWeights weights(String name, Bundle bundle) {
    return AdapterWeights.fit(PeftAdapter.read(recorded(name)), bundle, ServingPlan.defaults());
  }

  private TrainingData data() throws IOException {
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

  private static float[] run(Path model, String output) {
    try (InferenceSession session = InferenceSession.open(model, SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out = session.run(TrainingRun.feeds(scope, TEXTS.texts()), List.of(output))) {
      return out.floats(output);
    }
  }

  private static Path recorded(String file) {
    return Fixtures.recording("peft/saved").resolveSibling(file);
  }

  private static String key(ParameterSpec spec) {
    String prefix = spec.name().startsWith("classifier.") ? "" : "bert.";
    return "base_model.model." + prefix + spec.peftKey();
  }

  private static Tensor tensor(String name) {
    return RECORDED.tensor(name).orElseThrow(() -> new AssertionError("no " + name));
  }
}
