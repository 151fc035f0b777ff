package dev.banyan.runtime.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.integrity.JsonText;
import org.junit.jupiter.api.Test;

class ScoreTest {
  @Test
  void moreRightAnswersWinAndThenTheLowerLoss() {
    Score good = Score.of(Metric.ACCURACY, 0.9, 2, 10);
    Score poor = Score.of(Metric.ACCURACY, 0.8, 1, 10);
    Score sure = Score.of(Metric.ACCURACY, 0.9, 1, 10);
    assertThat(good.betterThan(poor)).isTrue();
    assertThat(poor.betterThan(good)).isFalse();
    assertThat(sure.betterThan(good)).isTrue();
    assertThat(sure.betterThan(sure)).isFalse();
  }

  @Test
  void smallerErrorWins() {
    Score near = Score.of(Metric.MSE, 0.1, 0.1, 10);
    Score far = Score.of(Metric.MSE, 0.2, 0.2, 10);
    assertThat(near.betterThan(far)).isTrue();
    assertThat(far.betterThan(near)).isFalse();
  }

  @Test
  void firstMetricDecides() {
    Score one = Score.of(Metric.MICRO_F1, 0.6, 1, 10).with(Metric.MACRO_F1, 0.1);
    Score other = Score.of(Metric.MICRO_F1, 0.5, 1, 10).with(Metric.MACRO_F1, 0.9);
    assertThat(one.betterThan(other)).isTrue();
  }

  @Test
  void jsonHasTheTasksMetricsAndIsReadAgain() {
    Score score = Score.of(Metric.ACCURACY, 0.5, 1.5, 4).with(Metric.MACRO_F1, 0.25);
    assertThat(JsonText.line(score.toJson()))
        .isEqualTo("{\"accuracy\":0.5,\"macro_f1\":0.25,\"loss\":1.5,\"examples\":4}");
    assertThat(Score.parse(score.toJson())).isEqualTo(score);
    assertThat(Score.parse(score.toJson()).metrics().firstEntry().getKey())
        .isEqualTo(Metric.ACCURACY);
  }
}
