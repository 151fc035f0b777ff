package dev.banyan.runtime.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.runtime.data.Batch.Padding;
import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BatchTest {
  private static final List<Encoding> ROWS =
      List.of(
          new Encoding(new long[] {5, 6, 7}, new long[] {0, 0, 1}),
          new Encoding(new long[] {8}, new long[] {0}));

  @Test
  void shortRowsAreFilledUpAndMasked() {
    Batch batch = Batch.of(ROWS, new Padding(9, 0));
    assertThat(batch.rows()).isEqualTo(2);
    assertThat(batch.length()).isEqualTo(3);
    assertThat(batch.tokens()).isEqualTo(4);
    assertThat(batch.values("input_ids")).containsExactly(5, 6, 7, 8, 9, 9);
    assertThat(batch.values("attention_mask")).containsExactly(1, 1, 1, 1, 0, 0);
    assertThat(batch.values("token_type_ids")).containsExactly(0, 0, 1, 0, 0, 0);
  }

  @Test
  void fixedLengthPadsFurtherButNeverCuts() {
    assertThat(Batch.of(ROWS, new Padding(0, 8)).length()).isEqualTo(8);
    assertThat(Batch.of(ROWS, new Padding(0, 2)).length()).isEqualTo(3);
  }

  @Test
  void feedsAreTheInputsTheModelHas() {
    Batch batch = Batch.of(ROWS, new Padding(0, 0));
    try (TensorScope scope = new TensorScope()) {
      Map<String, NativeTensor> feeds = batch.feeds(scope, List.of("attention_mask", "input_ids"));
      assertThat(feeds).containsOnlyKeys("attention_mask", "input_ids");
      assertThat(feeds.values()).extracting(NativeTensor::shape).containsOnly(Shape.of(2, 3));
      assertThatThrownBy(() -> batch.feeds(scope, List.of("pixel_values")))
          .hasMessageContaining("'pixel_values'");
    }
  }
}
