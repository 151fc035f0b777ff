package dev.banyan.runtime.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class ScoreTest {
  @Test
  void macroF1IsTheMeanOverLabels() {
    // Label 0: precision 1/2, recall 1. Label 1: precision 1, recall 1/3. Label 2: 1 and 1.
    Score score = Score.ofLabels(List.of(0, 0, 1, 2, 0), List.of(0, 1, 1, 2, 1), 0.5);
    assertThat(score.accuracy()).isEqualTo(0.6);
    // F1 by label: 2*1/(3+1), 2*1/(1+3), 1. The sum of doubles is exact to the last bits.
    assertThat(score.macroF1().orElseThrow()).isCloseTo((0.5 + 0.5 + 1) / 3, within(1e-12));
  }

  @Test
  void labelsThatNeverOccurDoNotCount() {
    assertThat(Score.ofLabels(List.of(5, 5), List.of(5, 5), 0).macroF1().orElseThrow())
        .isEqualTo(1);
  }

  @Test
  void moreRightAnswersWinAndThenTheLowerLoss() {
    Score good = new Score(0.9, OptionalDouble.empty(), 2, 10);
    Score poor = new Score(0.8, OptionalDouble.empty(), 1, 10);
    Score sure = new Score(0.9, OptionalDouble.empty(), 1, 10);
    assertThat(good.betterThan(poor)).isTrue();
    assertThat(poor.betterThan(good)).isFalse();
    assertThat(sure.betterThan(good)).isTrue();
    assertThat(sure.betterThan(sure)).isFalse();
  }

  @Test
  void textIsRetrievedIfItsPartnerIsNearest() {
    float[] embeddings = {1, 0, 0, 1, /* partners */ 0.9f, 0.1f, 0.8f, 0.2f};
    assertThat(Score.retrieved(embeddings, 2)).isEqualTo(2);
    float[] swapped = {1, 0, 0, 1, /* partners */ 0, 1, 1, 0};
    assertThat(Score.retrieved(swapped, 2)).isZero();
  }

  @Test
  void jsonLeavesOutWhatIsNotKnown() {
    assertThat(JsonOutput.text(new Score(0.5, OptionalDouble.empty(), Double.NaN, 4).toJson()))
        .isEqualTo("{\"accuracy\":0.5,\"examples\":4}");
    assertThat(JsonOutput.text(new Score(0.5, OptionalDouble.of(0.25), 1.5, 4).toJson()))
        .isEqualTo("{\"accuracy\":0.5,\"macro_f1\":0.25,\"loss\":1.5,\"examples\":4}");
  }
}
