package dev.banyan.server.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.Task;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScoresTest {
  @Test
  void scoresAreTheSoftmaxRankedFromTheMostLikely() {
    Scores scores =
        Scores.of(
            Task.TEXT_CLASSIFICATION,
            List.of("low", "high"),
            new float[] {0f, (float) Math.log(3)});

    assertThat(scores.ranked()).extracting(Scores.Score::label).containsExactly("high", "low");
    // A float carries about 7 digits.
    assertThat(scores.top().score()).isCloseTo(0.75f, within(1e-6f));
    assertThat(scores.ranked().get(1).score()).isCloseTo(0.25f, within(1e-6f));
  }

  @Test
  void largeLogitsDoNotOverflow() {
    Scores scores =
        Scores.of(Task.TEXT_CLASSIFICATION, List.of("a", "b"), new float[] {5000f, -5000f});

    assertThat(scores.top()).isEqualTo(new Scores.Score("a", 1f));
  }

  @Test
  void eachOfManyLabelsIsLikelyForItself() {
    float[] logits = {0f, (float) Math.log(3), -5000f};
    Scores scores = Scores.of(Task.MULTI_LABEL, List.of("even", "likely", "never"), logits);

    assertThat(scores.ranked())
        .extracting(Scores.Score::label)
        .containsExactly("likely", "even", "never");
    assertThat(scores.top().score()).isCloseTo(0.75f, within(1e-6f));
    assertThat(scores.ranked().get(1).score()).isEqualTo(0.5f);
    assertThat(scores.ranked().get(2).score()).isZero();
  }

  @Test
  void regressionIsItsNumber() {
    assertThat(Scores.of(Task.REGRESSION, List.of("score"), new float[] {-3.5f}).top())
        .isEqualTo(new Scores.Score("score", -3.5f));
  }
}
