package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.BiasTraining;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterInitializer;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.training.Bundles;
import dev.banyan.graph.training.RandomBatch;
import dev.banyan.graph.training.TrainingRun;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The weights of the base that are found in what exporters write. */
class FindBaseWeightsTest {
  private static final BaseWeightChoice ALL = new BaseWeightChoice(BiasTraining.ALL, List.of());

  @TempDir Path folder;

  @Test
  void equalTensorsOfSeveralModulesAreParametersOfTheirOwn() {
    // The exporter has merged the biases of a fresh model, which are all zero.
    Bundle bundle = export("bert_opset17", Emission.FUSED, ALL);
    assertThat(biases(bundle))
        .contains(
            "embeddings.LayerNorm.bias",
            "encoder.layer.0.attention.self.query.bias",
            "encoder.layer.0.attention.self.key.bias",
            "encoder.layer.0.attention.output.LayerNorm.bias",
            "encoder.layer.1.intermediate.dense.bias")
        .hasSize(17);
  }

  @ParameterizedTest
  @CsvSource({
    "bert_opset14, 17",
    "bert_dynamo18, 17",
    "roberta_opset17, 17",
    "roberta_dynamo20, 17",
    "distilbert_opset14, 17",
    "distilbert_dynamo18, 17",
    "mpnet_opset17, 17"
  })
  void everyExporterGivesTheSameBiases(String name, int count) {
    Bundle bundle = export(name, Emission.FUSED, ALL);
    assertThat(biases(bundle))
        .hasSize(count)
        .allMatch(
            bias ->
                bias.matches(
                    "(embeddings|(encoder|transformer)\\.layer\\.[01]\\.[\\w.]+?)(\\.LayerNorm)?\\.bias"));
  }

  @Test
  void normalizationsThatAreSpelledOutGetTheSameGradientsFused() {
    Map<String, float[]> plain = gradients(Emission.PLAIN);
    Map<String, float[]> fused = gradients(Emission.FUSED);
    assertThat(plain.keySet()).contains("embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias");
    plain.forEach(
        (name, gradient) ->
            BiasGradients.requireClose(name, Objects.requireNonNull(fused.get(name)), gradient));
  }

  /** Of an encoder of operator set 14, where a normalization is many nodes. */
  private Map<String, float[]> gradients(Emission emission) {
    Bundle bundle =
        export(
            "bert_opset14", emission, new BaseWeightChoice(BiasTraining.ALL, List.of("LayerNorm")));
    Map<String, float[]> gradients = new LinkedHashMap<>();
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.GRADIENT_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      RandomBatch batch = RandomBatch.of(new SplittableRandom(3), 40, 6, 9);
      bundle.manifest().text().inputs().forEach(name -> feeds.put(name, batch.feed(scope, name)));
      Tensor ones = TrainingRun.scaling(bundle, 1);
      feeds.put("lora_scaling", scope.floats(ones.floats(), ones.shape().toArray()));
      for (Tensor start :
          new ParameterInitializer(1, BaseValues.of(bundle))
              .tensors(bundle.manifest().parameters(), Sizes.of(2, 1))) {
        feeds.put(start.name(), scope.floats(start.floats(), start.shape().toArray()));
      }
      List<String> names = biases(bundle).stream().map(name -> name + "_grad").toList();
      try (OutputTensors out = session.run(feeds, names)) {
        biases(bundle).forEach(name -> gradients.put(name, out.floats(name + "_grad")));
      }
    }
    return gradients;
  }

  private Bundle export(String name, Emission emission, BaseWeightChoice choice) {
    return GraphTools.prepare(
            new PrepareRequest(
                    Fixtures.export(name),
                    Bundles.tokenizer(folder, 40),
                    Task.EMBEDDING,
                    SiteChoice.of("all-linear"),
                    Pooling.MEAN,
                    emission,
                    OptionalInt.empty(),
                    folder.resolve("bundle"))
                .with(choice))
        .bundle();
  }

  private static Set<String> biases(Bundle bundle) {
    return bundle.manifest().parameters().stream()
        .filter(ParameterSpec::isOfBase)
        .map(ParameterSpec::name)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void aModelWithoutBiasesIsRefused() {
    assertThatThrownBy(
            () ->
                GraphTools.prepare(
                    new PrepareRequest(
                            Fixtures.family("t5_opset15"),
                            Bundles.tokenizer(folder, 40),
                            Task.EMBEDDING,
                            SiteChoice.of("all-linear"),
                            Pooling.MEAN,
                            OptionalInt.empty(),
                            folder.resolve("t5"))
                        .with(ALL)))
        .isInstanceOf(UnusableModel.class)
        .hasMessageContaining("no biases");
  }
}
