package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.LanguageChoice;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.training.Bundles;
import dev.banyan.graph.training.TrainingRun;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Gradients of every weight of a model against those that PyTorch computes. */
class FullTrainingTest {
  private static final int LABELS = 3;

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(names = {"PLAIN", "FUSED"})
  void gradientsOfEveryWeightOfAnEncoderArePyTorchs(Emission emission) {
    SafetensorsFile recorded = recorded("bert");
    Bundle bundle =
        prepared(
            Fixtures.peftBase("bert"),
            Fixtures.peftBase("bert").resolveSibling("tokenizer.json"),
            emission);
    Map<String, Tensor> feeds = new LinkedHashMap<>(RecordedTexts.of(recorded).texts());
    feeds.put("labels", tensor(recorded, "labels"));
    feeds.put("label_smoothing", Tensor.ofFloats("label_smoothing", Shape.SCALAR, 0f));
    feeds.put("class_weights", Tensor.ofFloats("class_weights", Shape.of(LABELS), 1, 1, 1));
    assertThat(bundle.manifest().parameters()).hasSize(41);
    requireGradients(bundle, recorded, feeds);
  }

  @ParameterizedTest
  @EnumSource(names = {"PLAIN", "FUSED"})
  void gradientsOfEveryWeightOfADecoderArePyTorchs(Emission emission) {
    SafetensorsFile recorded = recorded("llama_opset14");
    Bundle bundle =
        prepared(
            Fixtures.export("families/llama_opset14"), Bundles.tokenizer(folder, 60), emission);
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    Tensor ids = tensor(recorded, "inputs/input_ids");
    feeds.put("input_ids", ids);
    feeds.put("labels", ofTheirTokens(tensor(recorded, "labels")));
    int elements = Math.toIntExact(ids.shape().elements());
    feeds.put("segment_ids", Tensor.ofLongs("segment_ids", ids.shape(), new long[elements]));
    assertThat(bundle.manifest().parameters()).hasSize(21);
    requireGradients(bundle, recorded, feeds);
  }

  /** PyTorch was given what follows each token; a bundle is given what each token is. */
  private static Tensor ofTheirTokens(Tensor next) {
    long[] values = next.longs();
    int length = Math.toIntExact(next.shape().dim(1));
    long[] own = new long[values.length];
    for (int i = 0; i < own.length; i++) {
      own[i] = i % length == 0 ? -100 : values[i - 1];
    }
    return Tensor.ofLongs("labels", next.shape(), own);
  }

  private static void requireGradients(
      Bundle bundle, SafetensorsFile recorded, Map<String, Tensor> feeds) {
    BaseValues base = BaseValues.of(bundle);
    List<String> outputs = new ArrayList<>(List.of("loss"));
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      feeds.put(
          spec.name(),
          spec.isOfBase()
              ? base.of(spec)
              : spec.layout().toGraph(tensor(recorded, "head/" + spec.name())));
      outputs.add(spec.name() + "_grad");
    }
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.GRADIENT_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out = session.run(TrainingRun.feeds(scope, feeds), outputs)) {
      assertThat(out.scalar("loss")).isCloseTo(tensor(recorded, "loss").floats()[0], within(1e-5f));
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        Tensor wanted =
            recorded.tensors().entrySet().stream()
                .filter(entry -> entry.getKey().matches("gradients/(bert[.])?" + spec.peftKey()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no gradient of " + spec.peftKey()))
                .getValue();
        BiasGradients.requireClose(
            spec.name(), out.floats(spec.name() + "_grad"), spec.layout().toGraph(wanted).floats());
      }
    }
  }

  @Test
  void aModelOfWhichManyWeightsCannotBeTrainedIsRefused() {
    assertThatThrownBy(
            () ->
                prepared(
                    Fixtures.export("families/deberta_opset14"),
                    Bundles.tokenizer(folder, 40),
                    Emission.PLAIN))
        .isInstanceOf(UnusableModel.class)
        .hasMessageContaining("6,464 weights 4,352 can be trained");
  }

  private Bundle prepared(Path model, Path tokenizer, Emission emission) {
    boolean decoder = model.toString().contains("llama");
    PrepareRequest request =
        new PrepareRequest(
            model,
            tokenizer,
            decoder ? Task.CAUSAL_LM : Task.TEXT_CLASSIFICATION,
            SiteChoice.of("head-only"),
            model.equals(Fixtures.peftBase("bert")) ? Pooling.POOLER : Pooling.MEAN,
            emission,
            OptionalInt.empty(),
            folder.resolve("bundle"));
    if (decoder) {
      request = request.with(new LanguageChoice(Optional.of("w1"), Optional.empty()));
    }
    return GraphTools.prepare(
            request.withMethods(List.of(MethodChoice.parse("full", SiteChoice.of("")))))
        .bundle();
  }

  private static Tensor tensor(SafetensorsFile recorded, String name) {
    return recorded.tensor(name).orElseThrow(() -> new AssertionError("no " + name));
  }

  private static SafetensorsFile recorded(String name) {
    return SafetensorsFile.read(Fixtures.recording("full/" + name));
  }
}
