package dev.banyan.server.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class ScoresTest {
  @Test
  void scoresAreTheSoftmaxRankedFromTheMostLikely() {
    Scores scores = Scores.of(List.of("low", "high"), new float[] {0f, (float) Math.log(3)});

    assertThat(scores.ranked()).extracting(Scores.Score::label).containsExactly("high", "low");
    // A float carries about 7 digits.
    assertThat(scores.top().score()).isCloseTo(0.75f, within(1e-6f));
    assertThat(scores.ranked().get(1).score()).isCloseTo(0.25f, within(1e-6f));
  }

  @Test
  void largeLogitsDoNotOverflow() {
    Scores scores = Scores.of(List.of("a", "b"), new float[] {5000f, -5000f});

    assertThat(scores.top()).isEqualTo(new Scores.Score("a", 1f));
  }
}
