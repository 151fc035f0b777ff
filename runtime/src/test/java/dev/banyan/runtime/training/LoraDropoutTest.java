package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.adapter.PeftAdapter;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.TinyData;
import dev.banyan.runtime.data.BatchSize;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LoraDropoutTest {
  @TempDir static Path shared;
  @TempDir Path folder;
  private static Bundle bundle;
  private static TrainingData data;

  @BeforeAll
  static void prepare() throws IOException {
    bundle = TinyBundle.writeWithDropout(shared.resolve("bundle"));
    data = TinyData.write(shared);
  }

  @Test
  void asManyElementsAreDroppedAsAskedFor() {
    for (double share : List.of(0.0, 0.05, 0.1, 0.5, 0.9)) {
      byte[] mask = mask(share, 7, new LoraDropout.Place(1, 0), 0);
      int kept = 0;
      for (byte element : mask) {
        assertThat(element).isBetween((byte) 0, (byte) 1);
        kept += element;
      }
      // Five deviations of a sum of so many coins.
      double deviation = Math.sqrt(share * (1 - share) / mask.length);
      assertThat(1 - (double) kept / mask.length).isCloseTo(share, within(5 * deviation + 1e-9));
    }
  }

  @Test
  void masksDifferByStepBatchLayerAndSeedAndAreOtherwiseTheSame() {
    byte[] one = mask(0.5, 7, new LoraDropout.Place(1, 0), 0);
    assertThat(mask(0.5, 7, new LoraDropout.Place(1, 0), 0)).isEqualTo(one);
    for (byte[] other :
        List.of(
            mask(0.5, 8, new LoraDropout.Place(1, 0), 0),
            mask(0.5, 7, new LoraDropout.Place(2, 0), 0),
            mask(0.5, 7, new LoraDropout.Place(1, 1), 0),
            mask(0.5, 7, new LoraDropout.Place(1, 0), 1))) {
      int same = 0;
      for (int i = 0; i < one.length; i++) {
        same += one[i] == other[i] ? 1 : 0;
      }
      // Five deviations from what chance gives.
      assertThat((double) same / one.length)
          .isCloseTo(0.5, within(5 * 0.5 / Math.sqrt(one.length)));
    }
  }

  private static byte[] mask(double share, long seed, LoraDropout.Place place, int layer) {
    MemorySegment memory = Arena.ofAuto().allocate(40_000);
    new LoraDropout(share, seed, List.of(), false).draw(memory, place, layer);
    return memory.toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void nothingDroppedIsTrainingWithoutMasks() throws IOException {
    Bundle plain = TinyBundle.write(folder.resolve("plain"));
    new Trainer(bundle, plan(0), event -> {}).train(data, folder.resolve("masks"));
    new Trainer(plain, plan(0), event -> {}).train(data, folder.resolve("none"));
    assertThat(folder.resolve("masks/adapter_model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("none/adapter_model.safetensors"));
  }

  @Test
  void bothEnginesDropTheSame() {
    TrainingPlan plan = plan(0.3).with(new AdamW(0, 1, 1));
    TrainingReport ours = train(plan.with(EngineKind.SESSION), "ours");
    TrainingReport orts = train(plan.with(EngineKind.ORT_TRAINING), "orts");
    for (int step = 0; step < ours.losses().size(); step++) {
      // 32-bit sums in another order; without equal masks losses differ by 0.01 and more.
      assertThat(orts.losses().get(step)).isCloseTo(ours.losses().get(step), within(1e-3f));
    }
    assertThat(train(plan(0.3).with(new AdamW(0, 1, 1)).withSeed(43), "other").losses())
        .isNotEqualTo(ours.losses());
  }

  @ParameterizedTest
  @EnumSource(EngineKind.class)
  void resumedRunDropsWhatAWholeOneDrops(EngineKind kind) {
    Passes passes = plan(0).passes();
    Passes several = passes.withAccumulation(2).with(new BatchSize.Tokens(64));
    TrainingPlan plan = plan(0.3).with(kind).with(kind == EngineKind.SESSION ? several : passes);
    TrainingReport whole = train(plan, "whole");
    RunPlace place = RunPlace.of(folder.resolve("parts")).savedEvery(3);
    Trainer trainer =
        new Trainer(
            bundle,
            plan,
            event -> {
              if (event instanceof TrainingEvent.StateSaved saved && saved.step() >= 5) {
                throw new IllegalStateException("crash");
              }
            });
    assertThatThrownBy(() -> trainer.train(data, place)).hasMessage("crash");
    TrainingReport parts = new Trainer(bundle, plan, event -> {}).train(data, place.resumed());
    assertThat(parts.losses()).isEqualTo(whole.losses());
    assertThat(folder.resolve("parts/adapter_model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("whole/adapter_model.safetensors"));
  }

  @Test
  void adapterLearnsAllTheSameAndTellsItsDropout() {
    // A third of the answers is right by chance.
    assertThat(train(plan(0.2), "out").eval().orElseThrow().accuracy()).isGreaterThan(0.8);
    assertThat(PeftAdapter.read(folder.resolve("out")).lora().dropout()).isEqualTo(0.2);
  }

  @Test
  void bundleWithoutMasksIsRefused() {
    Bundle plain = TinyBundle.write(folder.resolve("plain"));
    Trainer trainer = new Trainer(plain, plan(0.1), event -> {});
    assertThatThrownBy(() -> trainer.train(data, folder.resolve("out")))
        .isInstanceOf(TrainingFailure.NoSuchInput.class)
        .hasMessage(
            "The bundle's training graph has no masks for --lora-dropout; prepare the bundle again"
                + " with 'banyan prepare --lora-dropout', or train without");
    assertThatThrownBy(() -> plan(1)).hasMessage("lora-dropout is 1.0; expected 0 to below 1");
  }

  private TrainingReport train(TrainingPlan plan, String out) {
    return new Trainer(bundle, plan, event -> {}).train(data, folder.resolve(out));
  }

  private static TrainingPlan plan(double dropout) {
    return TrainingPlan.defaults()
        .with(AdapterPlan.lora(4, 8).withDropout(dropout))
        .with(Passes.defaults().withEpochs(3))
        .with(new LearningRate.Linear(0.02, 0.1));
  }
}
