package dev.banyan.graph.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.io.OnnxReader;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.training.Bundles;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.BatchOutput;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AdapterMergeTest {
  /** What a served row and a merged model may differ by: float32 sums in another order. */
  private static final float TOLERANCE = 1e-5f;

  private static final List<String> LABELS = List.of("spam", "ham", "neither");
  private static final long[] TOKENS = {2, 21, 33, 25, 3};

  @TempDir Path folder;

  static List<Path> exports() throws IOException {
    return Fixtures.exports();
  }

  @ParameterizedTest
  @MethodSource("exports")
  void aMergedClassifierAnswersAsTheServedAdapter(Path export) {
    Bundle bundle = bundle(export, Task.TEXT_CLASSIFICATION);
    Path adapter = TrainedAdapter.write(bundle.manifest(), LABELS, any -> true, 0.2, at("a"));
    Path out = at("merged.onnx");
    MergeReport report = merge(bundle, adapter, out, false);

    assertThat(report.answers().difference()).isLessThan(TOLERANCE);
    assertThat(report.layers()).isEqualTo(bundle.manifest().adapter().sites().size());
    assertThat(report.files()).containsExactly(out);
    assertThat(run(out, "logits"))
        .containsExactly(served(bundle, adapter).logits(0, 3), within(TOLERANCE));
    Model merged = OnnxReader.read(OnnxFile.read(out));
    assertThat(merged.metadata())
        .containsEntry("banyan.labels", "[\"spam\",\"ham\",\"neither\"]")
        .containsEntry("banyan.task", "text-classification");
    assertThat(merged.graph().inputs().stream().map(Value::name))
        .isEqualTo(bundle.manifest().text().inputs());
    assertThat(merged.graph().outputs().stream().map(Value::name)).contains("logits");
    assertThat(merged.graph().nodes()).noneMatch(node -> node.name().contains("lora"));
    assertThat(merged.graph().constants()).noneMatch(value -> value.name().contains("lora"));
  }

  @Test
  void aMergedEncoderKeepsTheBasesOutputAndNames() {
    Bundle bundle = bundle(Fixtures.export("bert_opset17"), Task.EMBEDDING);
    Path adapter = TrainedAdapter.write(bundle.manifest(), List.of(), any -> true, 0.2, at("a"));
    Path out = at("merged.onnx");
    merge(bundle, adapter, out, false);

    assertThat(run(out, "embeddings"))
        .containsExactly(served(bundle, adapter).embedding(0), within(TOLERANCE));
    assertThat(run(out, "last_hidden_state")).hasSize(TOKENS.length * 32);
    Model eval = OnnxReader.read(OnnxFile.read(bundle.file(Bundle.EVAL_MODEL)));
    Model merged = OnnxReader.read(OnnxFile.read(out));
    List<String> names = merged.graph().constants().stream().map(Value::name).sorted().toList();
    assertThat(eval.graph().constants().stream().map(Value::name)).containsAll(names);
  }

  @Test
  void aLayerThatTheAdapterLeavesAloneKeepsItsBits() {
    Bundle bundle = bundle(Fixtures.export("bert_opset17"), Task.EMBEDDING);
    Path adapter =
        TrainedAdapter.write(
            bundle.manifest(), List.of(), name -> name.contains("layer.0"), 0.2, at("a"));
    Path out = at("merged.onnx");
    MergeReport report = merge(bundle, adapter, out, false);

    Map<String, Tensor> before = constants(bundle.file(Bundle.EVAL_MODEL));
    Map<String, Tensor> after = constants(out);
    long changed =
        after.entrySet().stream()
            .filter(entry -> entry.getValue().data().mismatch(data(before, entry.getKey())) >= 0)
            .count();
    assertThat(changed).isEqualTo(report.layers()).isEqualTo(6);
    assertThat(report.change()).isPositive();
  }

  @Test
  void externalDataLiesBesideTheModelAndIsNeverReplaced() {
    Bundle bundle = bundle(Fixtures.export("bert_opset17"), Task.EMBEDDING);
    Path adapter = TrainedAdapter.write(bundle.manifest(), List.of(), any -> true, 0.2, at("a"));
    Path out = at("merged.onnx");
    MergeReport report = merge(bundle, adapter, out, true);

    assertThat(report.files()).containsExactly(out, at("merged.onnx.data")).allMatch(Files::exists);
    assertThat(run(out, "embeddings"))
        .containsExactly(served(bundle, adapter).embedding(0), within(TOLERANCE));
    assertThatThrownBy(() -> merge(bundle, adapter, out, true))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("merged.onnx.data");
    assertThat(folder).isDirectoryNotContaining(file -> file.toString().contains(".new-"));
  }

  @Test
  void anAdapterThatChangesNothingIsRefused() {
    Bundle bundle = bundle(Fixtures.export("bert_opset17"), Task.EMBEDDING);
    Path adapter = TrainedAdapter.write(bundle.manifest(), List.of(), any -> true, 0, at("a"));
    assertThatThrownBy(() -> merge(bundle, adapter, at("merged.onnx"), false))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("changes nothing");
    assertThat(at("merged.onnx")).doesNotExist();
  }

  @Test
  void aClassifierWithoutAHeadIsRefused() {
    Bundle bundle = bundle(Fixtures.export("bert_opset17"), Task.TEXT_CLASSIFICATION);
    Path adapter =
        TrainedAdapter.write(
            bundle.manifest(), List.of(), name -> name.contains("lora"), 0.2, at("a"));
    assertThatThrownBy(() -> merge(bundle, adapter, at("merged.onnx"), false))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("classifier.weight");
  }

  private Path at(String name) {
    return folder.resolve(name);
  }

  private Bundle bundle(Path export, Task task) {
    return GraphTools.prepare(
            new PrepareRequest(
                export,
                Bundles.tokenizer(folder, 40),
                task,
                SiteChoice.of("all-linear"),
                Pooling.MEAN,
                OptionalInt.empty(),
                at("bundle")))
        .bundle();
  }

  private static MergeReport merge(Bundle bundle, Path adapter, Path out, boolean external) {
    return GraphTools.merge(new MergeRequest(bundle.dir(), adapter, out, external));
  }

  private static BatchOutput served(Bundle bundle, Path adapter) {
    AdapterWeights weights =
        AdapterWeights.fit(PeftAdapter.read(adapter), bundle, ServingPlan.defaults());
    ServingPlan plan = new ServingPlan(1, weights.rank(), 3, SessionSettings.defaults());
    try (BaseModel model = BaseModel.open(bundle, plan)) {
      model.bank().write(1, weights);
      return model.run(List.of(new Row(new Encoding(TOKENS, new long[TOKENS.length]), 1)));
    }
  }

  private static float[] run(Path model, String output) {
    try (InferenceSession session = InferenceSession.open(model, SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      for (TensorPort input : session.inputs()) {
        long[] values =
            switch (input.name()) {
              case "input_ids" -> TOKENS;
              case "attention_mask" -> new long[] {1, 1, 1, 1, 1};
              default -> new long[TOKENS.length];
            };
        feeds.put(input.name(), scope.longs(values, 1, TOKENS.length));
      }
      try (OutputTensors out = session.run(feeds, List.of(output))) {
        return out.floats(output);
      }
    }
  }

  private static Map<String, Tensor> constants(Path model) {
    Map<String, Tensor> constants = new HashMap<>();
    for (Value value : OnnxReader.read(OnnxFile.read(model)).graph().constants()) {
      constants.put(value.name(), value.constant().orElseThrow());
    }
    return constants;
  }

  private static MemorySegment data(Map<String, Tensor> tensors, String name) {
    return Optional.ofNullable(tensors.get(name)).orElseThrow().data();
  }
}
