package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.safetensors.SafetensorsFile;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Emission;
import dev.banyan.runtime.inference.AdapterWeights;
import dev.banyan.runtime.inference.BaseModel;
import dev.banyan.runtime.inference.InferenceFailure;
import dev.banyan.runtime.inference.ServingPlan;
import dev.banyan.runtime.inference.SlotBank;
import dev.banyan.runtime.ort.SessionSettings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters of several keys in one server, whose projections have room for fewer of them. */
class VeraServingTest {
  private static final Recorded KEY_0 = new Recorded("vera", true, "vera:targets=all-linear");
  private static final Recorded KEY_7 = new Recorded("vera_no_projection", true);

  @TempDir Path folder;

  private Bundle bundle;

  @BeforeEach
  void prepare() {
    bundle = KEY_0.prepare(Emission.FUSED, folder.resolve("bundle"));
  }

  private static ServingPlan room(int projections) {
    ServingPlan usual = ServingPlan.defaults();
    return new ServingPlan(4, usual.room(), projections, SessionSettings.defaults());
  }

  @Test
  void adaptersOfOneKeyShareTheirProjections() {
    try (BaseModel model = BaseModel.open(bundle, room(1))) {
      float[] expected = answer(model, 0);
      model.bank().write(1, KEY_0.weights(bundle));
      float[] first = answer(model, 1);
      model.bank().write(2, KEY_0.weights(bundle));
      model.bank().clear(1);
      assertThat(answer(model, 2)).isEqualTo(first);
      assertThat(answer(model, 1)).isEqualTo(expected);
    }
  }

  @Test
  void adapterWhoseProjectionsFindNoRoomIsRefusedAndTheOthersStay() {
    try (BaseModel model = BaseModel.open(bundle, room(1))) {
      SlotBank bank = model.bank();
      bank.write(1, KEY_0.weights(bundle));
      float[] before = answer(model, 1);
      AdapterWeights other = KEY_7.weights(bundle);
      assertThatThrownBy(() -> bank.write(2, other))
          .isInstanceOf(InferenceFailure.NoFreeSet.class)
          .hasMessageContaining("vera_A and vera_B")
          .hasMessageContaining("--projections 2");
      assertThat(answer(model, 1)).isEqualTo(before);
      assertThat(bank.isSharing(1)).isTrue();
      assertThat(bank.isSharing(2)).isFalse();
      // What no slot has any more makes room.
      bank.release(1);
      bank.write(2, other);
      float[] alone = answer(model, 2);
      bank.write(2, KEY_0.weights(bundle));
      assertThat(answer(model, 2)).isEqualTo(before).isNotEqualTo(alone);
    }
  }

  @Test
  void projectionsThatTheFileShouldHaveAndHasNotAreAskedFor() {
    PeftAdapter whole = KEY_0.adapter();
    Map<String, Tensor> tensors = new LinkedHashMap<>(whole.weights().tensors());
    tensors.remove("base_model.vera_A");
    tensors.remove("base_model.vera_B");
    SafetensorsFile file = new SafetensorsFile(whole.weights().metadata(), tensors);
    PeftAdapter without = new PeftAdapter(whole.config(), file);
    assertThatThrownBy(() -> AdapterWeights.fit(without, bundle, room(1)))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("save_projection");
  }

  private static float[] answer(BaseModel model, int slot) {
    return model.run(List.of(KEY_0.texts().at(slot).getFirst())).logits(0, Recorded.LABELS);
  }
}
