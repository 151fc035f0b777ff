package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.KeptWeights;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SparseMasksTest {
  @Test
  void theLargestAreChosen() {
    assertThat(SparseMasks.largest(new float[] {0.1f, 3, 2, 0.2f}, 2)).containsExactly(0, 1, 1, 0);
  }

  @Test
  void ofEqualOnesTheFirstAreChosen() {
    assertThat(SparseMasks.largest(new float[] {1, 2, 1, 1, 2}, 3)).containsExactly(1, 1, 0, 0, 1);
    assertThat(SparseMasks.largest(new float[] {0, 0, 0}, 1)).containsExactly(1, 0, 0);
  }

  /** Squares (1, 16, 0) and (9, 0, 4): their means are (5, 8, 2). */
  @Test
  void fisherInformationIsTheMeanOverBatchesOfSquaredGradients() {
    MeanSquares squares = new MeanSquares(List.of("q"));
    squares.add(Map.of("q", new float[] {1, -4, 0}, "other", new float[] {7}));
    squares.add(Map.of("q", new float[] {-3, 0, 2}, "other", new float[] {7}));
    assertThat(squares.of("q")).containsExactly(5, 8, 2);
    assertThat(SparseMasks.largest(squares.of("q"), 2)).containsExactly(1, 1, 0);
  }

  @Test
  void theShareIsRoundedAndAtLeastOneWeight() {
    assertThat(kept(0.005).of(147_456)).isEqualTo(737);
    assertThat(kept(0.005).of(10)).isEqualTo(1);
    assertThat(kept(1).of(10)).isEqualTo(10);
  }

  @Test
  void wrongSettingsAreRefusedByName() {
    for (double share : new double[] {0, -0.1, 1.01, Double.NaN}) {
      assertThatThrownBy(() -> kept(share))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("keep is " + share + "; expected above 0 to 1");
    }
    assertThatThrownBy(() -> KeptWeights.Rule.parse("size"))
        .hasMessage("keep-by is 'size'; expected one of magnitude, fisher, random");
    assertThatThrownBy(() -> new KeptWeights(0.1, KeptWeights.Rule.FISHER, 0))
        .hasMessageContaining("fisher-batches is 0; expected 1 or more");
  }

  private static KeptWeights kept(double share) {
    return new KeptWeights(share, KeptWeights.Rule.MAGNITUDE, 1);
  }
}
