package dev.banyan.graph.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import dev.banyan.graph.ParityErrors;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.OutputTensors;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.ort.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapted layers of decoders, against adapters that PEFT trained. */
class PeftDecoderLayersTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = "gpt2_vera | gpt2_opset16 | vera:targets=c_attn,mlp.c_proj")
  void answersLossAndGradientsAreTheSame(String fixture, String base, String method) {
    SafetensorsFile expected =
        SafetensorsFile.read(Fixtures.peftMethod(fixture).resolve("expected.safetensors"));
    Bundle bundle = PeftDecodersTest.prepare(folder, base, method);
    AdapterWeights weights =
        AdapterWeights.fit(
            PeftAdapter.read(Fixtures.peftMethod(fixture)), bundle, ServingPlan.defaults());
    Tensor ids = PeftDecodersTest.tensor(expected, "inputs/input_ids");
    long[] mask = PeftDecodersTest.tensor(expected, "inputs/attention_mask").longs();
    PeftDecodersTest.requireSame(
        serve(bundle, ids, weights), PeftDecodersTest.logits(expected, ids), mask);

    Map<String, Tensor> batch = PeftDecodersTest.batch(bundle, ids, mask, expected);
    List<Tensor> trained = new ArrayList<>();
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      Tensor own = Objects.requireNonNull(weights.tensors().get(spec.name())).named(spec.name());
      if (spec.isTrained()) {
        trained.add(own);
      } else {
        batch.put(spec.name(), own);
      }
    }
    TrainingRun.Pass pass = TrainingRun.pass(bundle, trained, batch);
    assertThat(pass.loss())
        .isCloseTo(PeftDecodersTest.tensor(expected, "loss").floats()[0], within(1e-5f));
    for (ParameterSpec spec : bundle.manifest().parameters()) {
      if (spec.isTrained()) {
        String key = "gradients/base_model.model." + spec.peftKey();
        assertThat(
                ParityErrors.distance(
                    Objects.requireNonNull(pass.gradients().get(spec.name())),
                    PeftDecodersTest.tensor(expected, key).floats()))
            .as(key)
            .isLessThan(1e-4);
      }
    }
  }

  /** With the adapter in the only slot. */
  private static float[] serve(Bundle bundle, Tensor ids, AdapterWeights weights) {
    long rows = ids.shape().dim(0);
    try (TensorScope scope = new TensorScope();
        InferenceSession session =
            InferenceSession.open(bundle.file(Bundle.SERVING_MODEL), SessionSettings.defaults())) {
      Map<String, NativeTensor> feeds = new HashMap<>();
      feeds.put("adapter_ids", scope.longs(new long[Math.toIntExact(rows)], rows));
      for (ParameterSpec spec : bundle.manifest().parameters()) {
        Tensor banked = weights.banked(spec, BaseValues.none()).orElseThrow();
        long[] dims =
            LongStream.concat(LongStream.of(1), LongStream.of(banked.shape().toArray())).toArray();
        feeds.put(spec.bankName(), scope.floats(banked.floats(), dims));
        if (spec.isShared()) {
          feeds.put(spec.setName(), scope.longs(new long[1], 1));
        }
      }
      Tensor positions = PeftDecodersTest.positions(ids);
      feeds.putAll(TrainingRun.feeds(scope, Map.of("input_ids", ids, "position_ids", positions)));
      feeds.keySet().retainAll(session.inputs().stream().map(port -> port.name()).toList());
      try (OutputTensors out = session.run(feeds, List.of("logits"))) {
        return out.floats("logits");
      }
    }
  }
}
