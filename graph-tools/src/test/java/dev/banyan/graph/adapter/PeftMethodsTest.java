package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Sizes;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.GraphTools;
import dev.banyan.graph.MergeReport;
import dev.banyan.graph.MergeRequest;
import dev.banyan.graph.training.TrainingRun;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.BatchOutput;
import dev.banyan.runtime.inference.Row;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import dev.banyan.runtime.training.AdamW;
import dev.banyan.runtime.training.RecordedSteps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every method that PEFT has, against adapters that PEFT wrote and what it computed with them: the
 * same answers alone and beside others, the same loss and gradients, the same answers once merged.
 */
class PeftMethodsTest {
  private static final int LABELS = Recorded.LABELS;

  /** The rank of the recording of miss_mini. */
  private static final int ROWS_OF_MINI = 4;

  /** Two programs sum in other orders; the logits are of about 1. */
  private static final float LOGIT_TOLERANCE = 1e-4f;

  /** AdamW divides by the gradient's size, which for small ones is known to fewer digits. */
  private static final float TRAINED_TOLERANCE = 1e-4f;

  private static final double RATE = 1e-2;

  @TempDir Path folder;

  /** One row an adapter on the tiny BERT. */
  static Stream<Recorded> recorded() {
    return Stream.of(
        new Recorded("lora", true, "lora:targets=all-linear"),
        new Recorded("rslora", true, "lora:targets=all-linear"),
        new Recorded("lora_fa", true, "lora-fa:targets=all-linear"),
        new Recorded("lora_plus", true, "lora:targets=all-linear"),
        new Recorded("dora", true, "dora:targets=query,value,intermediate.dense"),
        new Recorded("dora_rslora", true, "dora:targets=query,value"),
        new Recorded("pissa", true, "pissa:targets=query,value,intermediate.dense"),
        new Recorded("olora", true, "olora:targets=query,value,intermediate.dense"),
        new Recorded("olora_rslora", true, "olora:targets=query"),
        new Recorded("loha", true, "loha:targets=query,value,intermediate.dense"),
        new Recorded("loha_patterns", true, "loha:targets=query,value"),
        new Recorded("embedding", true, "lora:targets=word_embeddings"),
        new Recorded("lokr", true, "lokr:targets=query,output.dense,intermediate.dense"),
        new Recorded(
            "lokr_decompose_both",
            true,
            "lokr:targets=query,output.dense,intermediate.dense;decompose_both=true"),
        new Recorded(
            "lokr_full",
            true,
            "lokr:targets=query,output.dense,intermediate.dense;decompose_factor=4"),
        new Recorded("miss", true, "miss:targets=query,value,intermediate.dense"),
        new Recorded("miss_mini", true, "miss:targets=query,value,intermediate.dense"),
        new Recorded("vera", true, "vera:targets=query,output.dense,intermediate.dense"),
        // With more layers than the adapter has, and larger ones: its projections are not in the
        // file.
        new Recorded("vera_no_projection", true, "vera:targets=all-linear"),
        new Recorded("prefix_tuning", false, "prefix"),
        new Recorded("prompt_tuning", false, "prompt"),
        new Recorded("bottleneck_houlsby", false, "bottleneck"),
        new Recorded("bottleneck_pfeiffer", false, "bottleneck:kind=pfeiffer"),
        new Recorded("bottleneck_parallel", false, "bottleneck:kind=parallel;activation=gelu"),
        new Recorded("bias_all", true, "lora:targets=query,value", "bitfit"),
        new Recorded("ln_tuning", true, "norms"),
        new Recorded("ia3", true, "ia3:targets=key,value,output.dense;feedforward=output.dense"));
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void answersAreTheSameAloneAndBesideOthers(Recorded recorded) {
    Bundle bundle = prepare(recorded, Emission.FUSED);
    AdapterWeights weights = recorded.weights(bundle);
    float[] expected = recorded.tensor("logits").floats();
    int texts = recorded.texts().rows();
    try (BaseModel model = BaseModel.open(bundle, Recorded.ROOM)) {
      model.bank().write(2, weights);
      model.bank().write(3, LargerAdapter.of(weights));
      List<Row> mixed = new ArrayList<>();
      for (int slot : new int[] {0, 2, 3}) {
        mixed.addAll(recorded.texts().at(slot));
      }
      BatchOutput together = model.run(mixed);
      for (int text = 0; text < texts; text++) {
        assertThat(together.logits(texts + text, LABELS))
            .as("text " + text)
            .containsExactly(
                Arrays.copyOfRange(expected, text * LABELS, (text + 1) * LABELS),
                within(LOGIT_TOLERANCE));
        for (int slot : new int[] {2, 3}) {
          Row row = recorded.texts().at(slot).get(text);
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
            session.run(TrainingRun.feeds(scope, recorded.texts().texts()), List.of("logits"))) {
      assertThat(out.floats("logits"))
          .containsExactly(recorded.tensor("merged_logits").floats(), within(LOGIT_TOLERANCE));
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
    Map<String, Tensor> feeds = recorded.batch();
    feeds.putAll(recorded.scalings(bundle));
    recorded.start(bundle).forEach(tensor -> feeds.put(tensor.name(), tensor));
    try (InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.GRADIENT_MODEL), SessionSettings.defaults());
        TensorScope scope = new TensorScope()) {
      List<ParameterSpec> trained =
          bundle.manifest().parameters().stream().filter(ParameterSpec::isTrained).toList();
      List<String> outputs = new ArrayList<>(List.of("loss"));
      trained.forEach(spec -> outputs.add(spec.name() + "_grad"));
      try (OutputTensors out = session.run(TrainingRun.feeds(scope, feeds), outputs)) {
        assertThat(out.scalar("loss"))
            .isCloseTo(recorded.tensor("loss").floats()[0], within(1e-5f));
        for (ParameterSpec spec : trained) {
          recorded
              .expected("gradients/", spec, recorded.sizes(bundle))
              .ifPresent(
                  wanted ->
                      BiasGradients.requireClose(
                          spec.name(),
                          folded(out.floats(spec.name() + "_grad"), wanted.floats()),
                          wanted.floats()));
        }
      }
    }
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

  /** PEFT's loop: gradients clipped at 1, and everything is decayed, also what is not here. */
  @ParameterizedTest
  @MethodSource("recorded")
  void threeStepsOfTrainingGiveTheSame(Recorded recorded) {
    Assumptions.assumeFalse(recorded.fixture().equals("miss_mini"), "its rows are trained apart");
    Bundle bundle = prepare(recorded, Emission.FUSED);
    float[] losses = recorded.tensor("losses").floats();
    try (TensorScope scope = new TensorScope()) {
      Map<String, Tensor> feeds = recorded.batch();
      feeds.putAll(recorded.scalings(bundle));
      RecordedSteps.Outcome outcome =
          new RecordedSteps(
                  bundle, recorded.present(bundle), recorded.bySite(bundle), recorded.adamW(), RATE)
              .run(recorded.start(bundle), TrainingRun.feeds(scope, feeds), losses.length);
      for (int step = 0; step < losses.length; step++) {
        assertThat(outcome.losses().get(step)).isCloseTo(losses[step], within(LOGIT_TOLERANCE));
      }
      Sizes sizes = recorded.sizes(bundle);
      for (Tensor parameter : outcome.parameters()) {
        ParameterSpec spec = Recorded.spec(bundle, parameter.name());
        recorded
            .expected("trained/", spec, sizes)
            .ifPresent(
                wanted ->
                    assertThat(parameter.floats())
                        .as(spec.name())
                        .containsExactly(
                            wanted.floats(),
                            within(trainedTolerance(spec, wanted, losses.length))));
      }
    }
  }

  private static float trainedTolerance(ParameterSpec spec, Tensor wanted, int steps) {
    float largest = 0;
    for (float value : wanted.floats()) {
      largest = Math.max(largest, Math.abs(value));
    }
    double decayed = RATE * AdamW.defaults().weightDecay() * steps * largest;
    return TRAINED_TOLERANCE + (spec.decayed() ? 0 : (float) decayed);
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void writtenAgainItIsTheSame(Recorded recorded) throws IOException {
    PeftAdapter adapter = recorded.adapter();
    adapter.write(folder.resolve("copy"));
    PeftAdapter copy = PeftAdapter.read(folder.resolve("copy"));
    assertThat(copy.digest()).isEqualTo(adapter.digest());
    assertThat(copy.config().json()).isEqualTo(adapter.config().json());
  }

  private Bundle prepare(Recorded recorded, Emission emission) {
    return recorded.prepare(emission, folder.resolve("bundle-" + emission));
  }
}
