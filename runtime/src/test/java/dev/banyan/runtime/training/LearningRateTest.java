package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LearningRateTest {
  @Test
  void warmUpRisesToThePeakInEqualParts() {
    LearningRate rate = new LearningRate.Constant(1, 0.25);
    assertThat(rate.at(0, 16)).isEqualTo(0.25);
    assertThat(rate.at(3, 16)).isEqualTo(1);
    assertThat(rate.at(4, 16)).isEqualTo(1);
    assertThat(rate.at(15, 16)).isEqualTo(1);
  }

  @Test
  void linearFallsInAStraightLine() {
    LearningRate rate = new LearningRate.Linear(1, 0);
    assertThat(rate.at(0, 4)).isEqualTo(1);
    assertThat(rate.at(1, 4)).isEqualTo(0.75);
    assertThat(rate.at(3, 4)).isEqualTo(0.25);
  }

  @Test
  void cosineIsHalfWayDownInTheMiddle() {
    LearningRate rate = new LearningRate.Cosine(2, 0.5);
    assertThat(rate.at(10, 20)).isEqualTo(2);
    // The cosine of a right angle is zero up to the rounding of pi.
    assertThat(rate.at(15, 20)).isCloseTo(1, within(1e-12));
  }

  @Test
  void warmUpOfEverythingEndsAtThePeak() {
    assertThat(new LearningRate.Linear(1, 1).at(2, 3)).isEqualTo(1);
  }

  @Test
  void valuesOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new LearningRate.Linear(0, 0.1)).hasMessageContaining("above 0");
    assertThatThrownBy(() -> new LearningRate.Cosine(Double.NaN, 0.1))
        .hasMessageContaining("above 0");
    assertThatThrownBy(() -> new LearningRate.Constant(1, 1.5)).hasMessageContaining("0 to 1");
  }
}
