package dev.banyan.graph.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoraAdapter;
import ai.onnxruntime.OrtSession;
import dev.banyan.artifacts.adapter.OrtAdapterFile;
import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.training.Bundles;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.OrtRuntime;
import dev.banyan.runtime.ort.SessionSettings;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterExportTest {
  private static final List<String> LABELS = List.of("spam", "ham");
  private static final long[] TOKENS = {2, 21, 33, 25, 3};

  @TempDir Path folder;

  private Bundle bundle;
  private Path adapter;

  @BeforeEach
  void prepare() {
    bundle =
        GraphTools.prepare(
                new PrepareRequest(
                    Fixtures.export("bert_opset17"),
                    Bundles.tokenizer(folder, 40),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("all-linear"),
                    Pooling.MEAN,
                    OptionalInt.empty(),
                    folder.resolve("bundle")))
            .bundle();
    adapter =
        TrainedAdapter.write(
            bundle.manifest(),
            LABELS,
            name -> name.contains("query") || name.contains("classifier"),
            0.2,
            folder.resolve("adapter"));
  }

  @Test
  void onnxRuntimesOwnAdapterMechanismAnswersAsTheServer() throws OrtException {
    Path file = folder.resolve("adapter.onnx_adapter");
    int tensors = new AdapterExport(adapter).toOnnxAdapter(bundle.dir(), file);
    assertThat(tensors).isEqualTo(bundle.manifest().parameters().size());
    assertThat(OrtAdapterFile.read(file).parameters()).hasSize(tensors);
    assertThat(withOrtAdapter(file)).containsExactly(served(), within(1e-6f));
  }

  @Test
  void aPeftFolderHasNothingOfBanyanInIt() {
    Path out = folder.resolve("peft");
    new AdapterExport(adapter).toPeft(DType.FLOAT, Optional.of("org/base"), out);
    PeftAdapter before = PeftAdapter.read(adapter);
    PeftAdapter after = PeftAdapter.read(out);
    assertThat(after.weights().metadata().keySet()).containsExactly("format");
    assertThat(after.config().baseModel()).isEqualTo("org/base");
    assertThat(after.lora().rank()).isEqualTo(before.lora().rank());
    assertThat(after.config().targetModules()).isEqualTo(before.config().targetModules());
    assertThat(after.weights().tensors().keySet()).isEqualTo(before.weights().tensors().keySet());
    for (Tensor tensor : before.weights().tensors().values()) {
      assertThat(floats(after, tensor.name())).isEqualTo(tensor.floats());
    }
  }

  @Test
  void halfPrecisionRoundsEachNumberToTheNearest() {
    PeftAdapter before = PeftAdapter.read(adapter);
    for (DType type : List.of(DType.FLOAT16, DType.BFLOAT16)) {
      Path out = folder.resolve(type.name());
      new AdapterExport(adapter).toPeft(type, Optional.empty(), out);
      PeftAdapter after = PeftAdapter.read(out);
      assertThat(after.weights().tensors().values()).allMatch(t -> t.type() == type);
      // Half a unit in the last of 11 or 8 bits.
      float relative = type == DType.FLOAT16 ? 0x1p-11f : 0x1p-8f;
      for (Tensor tensor : before.weights().tensors().values()) {
        float[] rounded = floats(after.widened(), tensor.name());
        for (int i = 0; i < rounded.length; i++) {
          float exact = tensor.floats()[i];
          assertThat(rounded[i]).isCloseTo(exact, within(Math.abs(exact) * relative + 1e-7f));
        }
      }
    }
  }

  private static float[] floats(PeftAdapter adapter, String name) {
    return Objects.requireNonNull(adapter.weights().tensors().get(name)).floats();
  }

  private float[] served() {
    AdapterWeights weights =
        AdapterWeights.fit(PeftAdapter.read(adapter), bundle, ServingPlan.defaults());
    ServingPlan plan =
        new ServingPlan(1, weights.rank(), LABELS.size(), SessionSettings.defaults());
    try (BaseModel model = BaseModel.open(bundle, plan)) {
      model.bank().write(1, weights);
      return model
          .run(List.of(new Row(new Encoding(TOKENS, new long[TOKENS.length]), 1)))
          .logits(0, LABELS.size());
    }
  }

  /** As any program with ONNX Runtime would: text, ids of zeros, and the adapter made active. */
  private float[] withOrtAdapter(Path file) throws OrtException {
    OrtRuntime.start();
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    Map<String, OnnxTensor> feeds = new HashMap<>();
    try (OrtLoraAdapter lora = OrtLoraAdapter.create(file.toString());
        OrtSession.RunOptions options = new OrtSession.RunOptions();
        OrtSession session =
            environment.createSession(bundle.file(Bundle.SERVING_MODEL).toString())) {
      options.addActiveLoraAdapter(lora);
      for (String input : bundle.manifest().text().inputs()) {
        long[][] values =
            switch (input) {
              case "input_ids" -> new long[][] {TOKENS};
              case "attention_mask" -> new long[][] {{1, 1, 1, 1, 1}};
              default -> new long[1][TOKENS.length];
            };
        feeds.put(input, OnnxTensor.createTensor(environment, values));
      }
      feeds.put("adapter_ids", OnnxTensor.createTensor(environment, new long[] {0}));
      try (OrtSession.Result result = session.run(feeds, Set.of("logits"), options)) {
        return ((float[][]) result.get(0).getValue())[0];
      }
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }
}
