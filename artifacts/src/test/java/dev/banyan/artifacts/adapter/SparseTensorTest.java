package dev.banyan.artifacts.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import org.junit.jupiter.api.Test;

class SparseTensorTest {
  private static final Shape SHAPE = Shape.of(2, 3);

  @Test
  void hasThePlacesRowByRowAndWhatIsThere() {
    SparseTensor sparse =
        SparseTensor.of(Tensor.ofFloats("q.sparse_deltas", SHAPE, 0, 0.5f, 0, -2, 0, 0));
    assertThat(sparse.indices().name()).isEqualTo("q.sparse_indices");
    assertThat(sparse.indices().longs()).containsExactly(1, 3);
    assertThat(sparse.deltas().name()).isEqualTo("q.sparse_deltas");
    assertThat(sparse.deltas().floats()).containsExactly(0.5f, -2);
  }

  @Test
  void comesBackBitForBit() {
    float[] values = {-0f, Float.MIN_VALUE, 0, -1e-30f, 0, 3};
    Tensor whole = SparseTensor.of(Tensor.ofFloats("q.sparse_deltas", SHAPE, values)).whole(SHAPE);
    assertThat(whole.shape()).isEqualTo(SHAPE);
    float[] back = whole.floats();
    for (int i = 0; i < values.length; i++) {
      assertThat(Float.floatToRawIntBits(back[i])).isEqualTo(Float.floatToRawIntBits(values[i]));
    }
  }

  @Test
  void aTensorOfZerosHasNoPlaces() {
    SparseTensor sparse = SparseTensor.of(Tensor.ofFloats("q.sparse_deltas", SHAPE, new float[6]));
    assertThat(sparse.indices().longs()).isEmpty();
    assertThat(sparse.whole(SHAPE).floats()).containsOnly(0);
  }

  @Test
  void placesThatAreNotAscendingOrOutsideAreRefused() {
    assertThatThrownBy(() -> of(3, 1).whole(SHAPE))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("'q.sparse_indices' has 1 behind 3");
    assertThatThrownBy(() -> of(1, 1).whole(SHAPE)).hasMessageContaining("has 1 behind 1");
    assertThatThrownBy(() -> of(-1, 1).whole(SHAPE)).hasMessageContaining("has -1 behind -1");
    assertThatThrownBy(() -> of(1, 6).whole(SHAPE))
        .hasMessageContaining("has 6 behind 1; expected ascending places below 6");
  }

  @Test
  void placesThatAreNoWholeNumbersOrTooFewAreRefused() {
    Tensor deltas = Tensor.ofFloats("q.sparse_deltas", Shape.of(2), 1, 2);
    Tensor floats = Tensor.ofFloats("q.sparse_indices", Shape.of(2), 1, 2);
    assertThatThrownBy(() -> new SparseTensor(floats, deltas).whole(SHAPE))
        .isInstanceOf(UnusableArtifact.class)
        .hasMessageContaining("FLOAT")
        .hasMessageContaining("expected whole numbers");
    Tensor one = Tensor.ofLongs("q.sparse_indices", Shape.of(1), 1);
    assertThatThrownBy(() -> new SparseTensor(one, deltas).whole(SHAPE))
        .hasMessageContaining("one for each value");
  }

  private static SparseTensor of(long... places) {
    return new SparseTensor(
        Tensor.ofLongs("q.sparse_indices", Shape.of(2), places),
        Tensor.ofFloats("q.sparse_deltas", Shape.of(2), 1, 2));
  }
}
