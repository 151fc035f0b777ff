package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.MethodChoice;
import dev.banyan.graph.PrepareRequest;
import dev.banyan.graph.PrepareRequest.SiteChoice;
import dev.banyan.graph.training.TrainingRun;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.BatchOutput;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorPort;
import dev.banyan.runtime.ort.TensorScope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every method that PEFT has, against adapters that PEFT wrote and what it computed with them: the
 * same answers alone and beside others, the same loss and gradients, the same answers once merged.
 */
class PeftMethodsTest {
  private static final int LABELS = 3;

  /** A multiple of all ranks that are recorded: what is repeated is so a whole number of times. */
  private static final ServingPlan ROOM = new ServingPlan(64, 60, 64, SessionSettings.defaults());

  /** The rank of the recording of miss_mini. */
  private static final int ROWS_OF_MINI = 4;

  /** Two programs sum in other orders; the logits are of about 1. */
  private static final float LOGIT_TOLERANCE = 1e-4f;

  @TempDir Path folder;

  /**
   * A recorded adapter.
   *
   * @param fixture its folder
   * @param methods how a bundle is prepared for it
   * @param mergeable whether it can become part of its layers
   */
  record Recorded(String fixture, boolean mergeable, List<String> methods) {
    Recorded(String fixture, boolean mergeable, String... methods) {
      this(fixture, mergeable, List.of(methods));
    }

    @Override
    public String toString() {
      return fixture;
    }
  }

  /** One row an adapter on the tiny BERT. */
  static Stream<Recorded> recorded() {
    return Stream.of(
        new Recorded("lora", true, "lora:targets=all-linear"),
        new Recorded("rslora", true, "lora:targets=all-linear"),
        new Recorded("lora_fa", true, "lora:targets=all-linear"),
        new Recorded("lora_plus", true, "lora:targets=all-linear"),
        new Recorded("loha", true, "loha:targets=query,value,intermediate.dense"),
        new Recorded("loha_patterns", true, "loha:targets=query,value"),
        new Recorded("miss", true, "miss:targets=query,value,intermediate.dense"),
        new Recorded("miss_mini", true, "miss:targets=query,value,intermediate.dense"),
        new Recorded("prompt_tuning", false, "prompt"),
        new Recorded("ia3", true, "ia3:targets=key,value,output.dense;feedforward=output.dense"));
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void answersAreTheSameAloneAndBesideOthers(Recorded recorded) {
    Bundle bundle = prepare(recorded, Emission.FUSED);
    AdapterWeights weights = weights(recorded, bundle);
    float[] expected = tensor(recorded, "logits").floats();
    int texts = inputs(recorded).rows();
    try (BaseModel model = BaseModel.open(bundle, ROOM)) {
      model.bank().write(2, weights);
      model.bank().write(3, doubled(weights));
      List<Row> mixed = new ArrayList<>();
      for (int slot : new int[] {0, 2, 3}) {
        mixed.addAll(inputs(recorded).at(slot));
      }
      BatchOutput together = model.run(mixed);
      for (int text = 0; text < texts; text++) {
        assertThat(together.logits(texts + text, LABELS))
            .as("text " + text)
            .containsExactly(
                Arrays.copyOfRange(expected, text * LABELS, (text + 1) * LABELS),
                within(LOGIT_TOLERANCE));
        for (int slot : new int[] {2, 3}) {
          Row row = inputs(recorded).at(slot).get(text);
          assertThat(together.logits((slot - 1) * texts + text, LABELS))
              .containsExactly(model.run(List.of(row)).logits(0, LABELS), within(1e-5f));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void mergedModelAnswersTheSame(Recorded recorded) {
    if (!recorded.mergeable()) {
      return;
    }
    Bundle bundle = prepare(recorded, Emission.FUSED);
    Path merged = folder.resolve("merged.onnx");
    MergeReport report =
        GraphTools.merge(
            new MergeRequest(bundle.dir(), Fixtures.peftMethod(recorded.fixture()), merged, false));
    assertThat(report.answers().difference()).isLessThan(LOGIT_TOLERANCE);
    try (InferenceSession session = InferenceSession.open(merged, SessionSettings.defaults());
        TensorScope scope = new TensorScope();
        OutputTensors out =
            session.run(TrainingRun.feeds(scope, inputs(recorded).texts()), List.of("logits"))) {
      assertThat(out.floats("logits"))
          .containsExactly(tensor(recorded, "merged_logits").floats(), within(LOGIT_TOLERANCE));
    }
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void lossAndGradientsAreTheSame(Recorded recorded) {
    for (Emission emission : List.of(Emission.FUSED, Emission.PLAIN)) {
      requireGradients(recorded, prepare(recorded, emission));
    }
  }

  private void requireGradients(Recorded recorded, Bundle bundle) {
    AdapterWeights weights = weights(recorded, bundle);
    Map<String, Tensor> feeds = new LinkedHashMap<>(inputs(recorded).texts());
    feeds.put("labels", tensor(recorded, "labels"));
    feeds.put("label_smoothing", Tensor.ofFloats("label_smoothing", Shape.SCALAR, 0f));
    feeds.put("class_weights", Tensor.ofFloats("class_weights", Shape.of(LABELS), 1, 1, 1));
    BaseValues base = BaseValues.of(bundle);
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      Tensor own = weights.tensors().get(spec.name());
      feeds.put(spec.name(), own == null ? base.neutral(spec, weights.sizes()) : own);
    }
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.GRADIENT_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      for (TensorPort port : session.inputs()) {
        if (port.name().endsWith("_scaling")) {
          // The scaling is in the parameters already.
          float[] ones = new float[Math.toIntExact(port.dims().getFirst())];
          Arrays.fill(ones, 1);
          feeds.put(port.name(), Tensor.ofFloats(port.name(), Shape.of(ones.length), ones));
        }
      }
      List<ParameterSpec> trained =
          bundle.manifest().parameters().stream().filter(ParameterSpec::isTrained).toList();
      List<String> outputs = new ArrayList<>(List.of("loss"));
      trained.forEach(spec -> outputs.add(spec.name() + "_grad"));
      try (OutputTensors out = session.run(TrainingRun.feeds(scope, feeds), outputs)) {
        assertThat(out.scalar("loss"))
            .isCloseTo(tensor(recorded, "loss").floats()[0], within(1e-5f));
        for (ParameterSpec spec : trained) {
          gradient(recorded, spec, weights.sizes())
              .ifPresent(
                  wanted ->
                      BiasGradients.requireClose(
                          spec.name(), folded(out.floats(spec.name() + "_grad"), wanted), wanted));
        }
      }
    }
  }

  /** PEFT's gradient of what the graph is fed, which has the scaling in it. */
  private static Optional<float[]> gradient(Recorded recorded, ParameterSpec spec, Sizes sizes) {
    PeftAdapter adapter = PeftAdapter.read(Fixtures.peftMethod(recorded.fixture()));
    return expected(recorded).tensors().entrySet().stream()
        .filter(
            entry -> entry.getKey().matches("gradients/(.+\\.)?" + Pattern.quote(spec.peftKey())))
        .findFirst()
        .map(
            entry -> {
              Tensor own = spec.layout().toGraph(entry.getValue());
              // Where a layer's rank is lower than the graph's, the rest has no gradient.
              boolean whole = !spec.repeats() && spec.dims().contains(ParameterSpec.RANK);
              float[] values = (whole ? own.resized(spec.shape(sizes)) : own).floats();
              if (spec.scaled()) {
                double scaling = adapter.config().scaling(spec.method().orElseThrow(), spec.site());
                for (int i = 0; i < values.length; i++) {
                  values[i] = (float) (values[i] / scaling);
                }
              }
              return values;
            });
  }

  /** Of a parameter that the file has once and the graph repeats, the gradient is a sum. */
  private static float[] folded(float[] gradient, float[] wanted) {
    if (gradient.length == wanted.length) {
      return gradient;
    }
    float[] sums = new float[wanted.length];
    for (int i = 0; i < gradient.length; i++) {
      int row = i / (gradient.length / ROWS_OF_MINI);
      int column = i % (wanted.length / ROWS_OF_MINI);
      sums[row * (wanted.length / ROWS_OF_MINI) + column] += gradient[i];
    }
    return sums;
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void writtenAgainItIsTheSame(Recorded recorded) throws IOException {
    PeftAdapter adapter = PeftAdapter.read(Fixtures.peftMethod(recorded.fixture()));
    adapter.write(folder.resolve("copy"));
    PeftAdapter copy = PeftAdapter.read(folder.resolve("copy"));
    assertThat(copy.digest()).isEqualTo(adapter.digest());
    assertThat(copy.config().json()).isEqualTo(adapter.config().json());
  }

  private Bundle prepare(Recorded recorded, Emission emission) {
    List<MethodChoice> methods =
        recorded.methods().stream()
            .map(text -> MethodChoice.parse(text, SiteChoice.of("")))
            .toList();
    return GraphTools.prepare(
            new PrepareRequest(
                    Fixtures.peftBase("bert"),
                    Fixtures.peftBase("bert").resolveSibling("tokenizer.json"),
                    Task.TEXT_CLASSIFICATION,
                    SiteChoice.of("head-only"),
                    Pooling.POOLER,
                    emission,
                    OptionalInt.empty(),
                    folder.resolve("bundle-" + emission))
                .withMethods(methods))
        .bundle();
  }

  private static AdapterWeights weights(Recorded recorded, Bundle bundle) {
    return AdapterWeights.fit(
        PeftAdapter.read(Fixtures.peftMethod(recorded.fixture())), bundle.manifest(), ROOM);
  }

  /** Another adapter: the same with larger numbers. */
  private static AdapterWeights doubled(AdapterWeights weights) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    weights
        .tensors()
        .forEach(
            (name, tensor) -> {
              float[] values = tensor.floats();
              for (int i = 0; i < values.length; i++) {
                values[i] *= 1.25f;
              }
              tensors.put(name, Tensor.ofFloats(name, tensor.shape(), values));
            });
    return new AdapterWeights(
        weights.digest(), weights.task(), weights.labels(), weights.sizes(), tensors);
  }

  private static RecordedTexts inputs(Recorded recorded) {
    return RecordedTexts.of(expected(recorded));
  }

  private static SafetensorsFile expected(Recorded recorded) {
    return SafetensorsFile.read(
        Fixtures.peftMethod(recorded.fixture()).resolve("expected.safetensors"));
  }

  private static Tensor tensor(Recorded recorded, String name) {
    return Objects.requireNonNull(expected(recorded).tensors().get(name), name);
  }
}
