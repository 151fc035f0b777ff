package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.ParityErrors;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whole models against what PyTorch and PEFT computed ({@code benchmarks/parity}): MiniLM, and a
 * small encoder of each architecture through each exporter.
 */
class PyTorchParityTest {
  /** Gradients in float32 differ in the last digits with the order of summation. */
  private static final double GRADIENT_TOLERANCE = 1e-4;

  private static final double LOSS_TOLERANCE = 1e-5;

  /** PEFT's names of the encoders inside its classifiers, by the fixtures' architecture. */
  private static final Map<String, String> PREFIXES =
      Map.of(
          "minilm", "bert",
          "bert", "bert",
          "roberta", "roberta",
          "distilbert", "distilbert",
          "deberta", "deberta",
          "mpnet", "",
          "t5", "");

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "minilm_lora",
        "minilm_lora_all_linear",
        "bert_opset14",
        "bert_opset17",
        "bert_dynamo18",
        "bert_dynamo20",
        "roberta_opset17",
        "roberta_dynamo20",
        "distilbert_opset14",
        "distilbert_dynamo18",
        "mpnet_opset17",
        "mpnet_dynamo18",
        "families/deberta_opset14_lora",
        "families/deberta_dynamo18_lora",
        "families/t5_opset15_lora",
        "families/t5_dynamo20_lora"
      })
  void lossGradientsAndUpdatesArePyTorchs(String name) {
    SafetensorsFile recorded = SafetensorsFile.read(Fixtures.recording(name));
    Bundle bundle = prepare(name, recorded);
    assertThat(bundle.manifest().adapter().peftPrefix())
        .isEqualTo(PREFIXES.get(name.replaceAll(".*/|_.*", "")));
    List<Tensor> parameters =
        bundle.manifest().parameters().stream()
            .map(ParameterSpec::name)
            .map(parameter -> tensor(recorded, "parameters/" + parameter).named(parameter))
            .toList();
    assertThat(recorded.tensors().keySet().stream().filter(key -> key.startsWith("parameters/")))
        .as("every recorded parameter is one of the bundle's")
        .hasSize(parameters.size());
    Map<String, Tensor> batch = batch(bundle, recorded);

    TrainingRun.Pass pass = TrainingRun.pass(bundle, parameters, batch);
    assertThat(TrainingRun.accumulatedPass(bundle, parameters, batch).gradients())
        .as("what the buffers hold after one batch")
        .usingRecursiveComparison()
        .isEqualTo(pass.gradients());
    float loss = tensor(recorded, "loss").floats()[0];
    assertThat(relative(pass.loss(), loss)).as("loss").isLessThan(LOSS_TOLERANCE);
    assertThat(relative(evalLoss(bundle, parameters, batch), loss))
        .as("eval loss")
        .isLessThan(LOSS_TOLERANCE);
    double worst = 0;
    for (Map.Entry<String, float[]> gradient : pass.gradients().entrySet()) {
      float[] wanted = tensor(recorded, "gradients/" + gradient.getKey()).floats();
      double error = ParityErrors.distance(gradient.getValue(), wanted);
      assertThat(error).as("gradient of " + gradient.getKey()).isLessThan(GRADIENT_TOLERANCE);
      worst = Math.max(worst, error);
    }
    ParityErrors.keep(name, "lora", worst);

    float[] expected = tensor(recorded, "losses").floats();
    List<Float> losses = TrainingRun.losses(bundle, parameters, batch, folder, expected.length);
    for (int step = 0; step < expected.length; step++) {
      assertThat(relative(losses.get(step), expected[step]))
          .as("loss before update " + step)
          .isLessThan(LOSS_TOLERANCE);
    }
  }

  private Bundle prepare(String name, SafetensorsFile recorded) {
    boolean miniLm = name.startsWith("minilm");
    Path model =
        miniLm
            ? Bundles.resource("all-minilm-l6-v2.onnx", folder)
            : Fixtures.recording(name).resolveSibling(metadata(recorded, "base"));
    Path tokenizer =
        miniLm
            ? Bundles.resource("all-minilm-l6-v2-tokenizer.json", folder)
            : Bundles.tokenizer(folder, 40);
    return GraphTools.prepare(
            new PrepareRequest(
                model,
                tokenizer,
                Task.TEXT_CLASSIFICATION,
                SiteChoice.of(metadata(recorded, "targets")),
                Pooling.of(metadata(recorded, "pooling")).orElseThrow(),
                OptionalInt.empty(),
                folder.resolve("bundle")))
        .bundle();
  }

  private static Map<String, Tensor> batch(Bundle bundle, SafetensorsFile recorded) {
    Map<String, Tensor> batch = new LinkedHashMap<>();
    for (String input : bundle.manifest().text().inputs()) {
      batch.put(input, tensor(recorded, "inputs/" + input));
    }
    batch.put("labels", tensor(recorded, "labels"));
    float scaling = Float.parseFloat(metadata(recorded, "scaling"));
    batch.put("lora_scaling", TrainingRun.scaling(bundle, scaling));
    int labels = Math.toIntExact(tensor(recorded, "parameters/classifier.bias").shape().dim(0));
    return TrainingRun.plainLoss(batch, labels);
  }

  private static float evalLoss(Bundle bundle, List<Tensor> parameters, Map<String, Tensor> batch) {
    Map<String, Tensor> all = new LinkedHashMap<>(batch);
    parameters.forEach(parameter -> all.put(parameter.name(), parameter));
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.EVAL_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out = session.run(TrainingRun.feeds(scope, all), List.of("loss"))) {
      return out.scalar("loss");
    }
  }

  private static double relative(double seen, double expected) {
    return Math.abs(seen - expected) / Math.abs(expected);
  }

  private static Tensor tensor(SafetensorsFile file, String name) {
    return file.tensor(name).orElseThrow(() -> new AssertionError("no " + name));
  }

  private static String metadata(SafetensorsFile file, String key) {
    return Objects.requireNonNull(file.metadata().get(key), key);
  }
}
