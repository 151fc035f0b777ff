package dev.banyan.runtime.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleWriter;
import dev.banyan.runtime.TinyBundle;
import dev.banyan.runtime.data.DataFailure;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.runtime.data.Text;
import dev.banyan.runtime.ort.SessionSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BaseModelTest {
  private static final ServingPlan PLAN = new ServingPlan(32, 8, 60, SessionSettings.defaults());

  @TempDir static Path folder;
  private static Bundle bundle;
  private BaseModel model;

  @BeforeAll
  static void prepare() {
    bundle = TinyBundle.write(folder.resolve("bundle"));
  }

  @BeforeEach
  void open() {
    model = BaseModel.open(bundle, PLAN);
  }

  @AfterEach
  void close() {
    model.close();
    model.close();
  }

  @Test
  void eachRowOfAMixedBatchIsAnsweredAsItIsAlone() {
    List<Row> rows = new ArrayList<>();
    for (int slot = 1; slot <= 32; slot++) {
      int labels = labels(slot);
      write(slot, 1 + slot % 8, labels);
      rows.add(new Row(text("the dog " + "is warm ".repeat(slot % 5)), slot));
    }
    BatchOutput mixed = model.run(rows);
    for (int row = 0; row < rows.size(); row++) {
      BatchOutput alone = model.run(List.of(rows.get(row)));
      int labels = labels(row + 1);
      // Padding changes how sums are vectorized, by a few units in the last of seven digits.
      assertThat(mixed.logits(row, labels)).containsExactly(alone.logits(0, labels), within(1e-5f));
      assertThat(mixed.embedding(row)).containsExactly(alone.embedding(0), within(1e-5f));
    }
  }

  @Test
  void lowRankAndFewLabelsGiveTheSameInALargerSlot() {
    write(1, 2, 3);
    Row row = new Row(text("a red apple"), 1);
    float[] large = model.run(List.of(row)).logits(0, 3);
    try (BaseModel tight =
        BaseModel.open(bundle, new ServingPlan(1, 2, 3, SessionSettings.defaults()))) {
      tight.bank().write(1, AdapterWeights.fit(TinyAdapters.random(2, 3, 1), bundle, PLAN));
      assertThat(tight.run(List.of(row)).logits(0, 3)).containsExactly(large, within(1e-5f));
    }
  }

  @Test
  void slotZeroAndClearedSlotsAreTheBareBase() {
    float[] base = model.run(List.of(new Row(text("a cold pear"), 0))).embedding(0);
    write(3, 4, 5);
    assertThat(model.run(List.of(new Row(text("a cold pear"), 3))).embedding(0)).isNotEqualTo(base);
    model.bank().clear(3);
    BatchOutput cleared = model.run(List.of(new Row(text("a cold pear"), 3)));
    assertThat(cleared.embedding(0)).isEqualTo(base);
    assertThat(cleared.logits(0, 60)).containsOnly(0);
  }

  @Test
  void newerAdapterInASlotLeavesNothingOfTheOlder() {
    write(2, 8, 60);
    write(2, 1, 2);
    float[] reused = model.run(List.of(new Row(text("blue"), 2))).logits(0, 60);
    write(5, 1, 2, 2);
    assertThat(model.run(List.of(new Row(text("blue"), 5))).logits(0, 60)).isEqualTo(reused);
    for (int label = 2; label < 60; label++) {
      assertThat(reused[label]).isZero();
    }
  }

  @Test
  void otherSlotsMayBeWrittenWhileABatchRuns() throws InterruptedException {
    write(1, 4, 3);
    List<Row> rows = List.of(new Row(text("the fast cow"), 1));
    float[] expected = model.run(rows).logits(0, 3);
    AtomicBoolean stop = new AtomicBoolean();
    Thread loader =
        Thread.ofPlatform()
            .start(
                () -> {
                  AdapterWeights weights =
                      AdapterWeights.fit(TinyAdapters.random(8, 60, 9), bundle, PLAN);
                  for (int i = 0; !stop.get(); i++) {
                    model.bank().write(2 + i % 31, weights);
                  }
                });
    try {
      for (int run = 0; run < 200; run++) {
        assertThat(model.run(rows).logits(0, 3)).isEqualTo(expected);
      }
    } finally {
      stop.set(true);
      loader.join();
    }
  }

  @Test
  void slotsThatAreNotThereAreRefused() {
    Encoding text = text("red");
    assertThatThrownBy(() -> model.run(List.of(new Row(text, 33))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Slot 33; there are slots 0 to 32");
    assertThatThrownBy(() -> model.bank().clear(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Slot 0; there are slots 1 to 32");
    assertThatThrownBy(() -> model.run(List.of())).isInstanceOf(RuntimeException.class);
  }

  @Test
  void bankBeyondTwoGibibytesSaysWhichFlagsToLower() {
    ServingPlan huge = new ServingPlan(4_000_000, 16, 2, SessionSettings.defaults());
    assertThatThrownBy(() -> BaseModel.open(bundle, huge))
        .isInstanceOf(InferenceFailure.BankTooLarge.class)
        .hasMessageContaining("'encoder.dense.lora_A'")
        .hasMessageContaining("lower --slots (4000000) or --max-rank (16)");
  }

  @Test
  void tokenizerOfAnotherModelIsRefused() throws IOException {
    Path other = folder.resolve("wrong-tokenizer");
    try (BundleWriter writer = new BundleWriter(other)) {
      for (String name : bundle.manifest().files().keySet()) {
        Files.copy(bundle.file(name), writer.path(name));
      }
      String tokenizer = Files.readString(writer.path(Bundle.TOKENIZER));
      Files.writeString(
          writer.path(Bundle.TOKENIZER), tokenizer.replace("\"is\": 17", "\"is\": 18"));
      Bundle wrong = writer.commit(TinyBundle.manifest());
      assertThatThrownBy(() -> BaseModel.open(wrong, PLAN))
          .isInstanceOf(DataFailure.BadTokenizer.class)
          .hasMessageContaining("token ids up to 18, but the model embeds 18 tokens");
    }
  }

  private static int labels(int slot) {
    return slot % 2 == 0 ? 3 : 60;
  }

  private Encoding text(String text) {
    return model.tokenizer().encode(Text.of(text));
  }

  private void write(int slot, int rank, int labels) {
    write(slot, rank, labels, slot);
  }

  private void write(int slot, int rank, int labels, long seed) {
    model
        .bank()
        .write(slot, AdapterWeights.fit(TinyAdapters.random(rank, labels, seed), bundle, PLAN));
  }
}
