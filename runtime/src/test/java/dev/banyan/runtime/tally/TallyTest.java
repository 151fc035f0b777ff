package dev.banyan.runtime.tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.bundle.EmbeddingInfo;
import dev.banyan.runtime.data.LabelSet;
import dev.banyan.runtime.data.Targets;
import dev.banyan.runtime.report.Metric;
import dev.banyan.runtime.report.Score;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Small sums that can be done by hand. */
class TallyTest {
  /** Logits are float32. */
  private static final Offset<Double> CLOSE = within(1e-6);

  @Test
  void macroF1IsTheMeanOverTheLabelsThatOccur() {
    ClassTally tally = new ClassTally(new Targets.Classes(List.of(0, 1, 1, 2, 1)));
    // Answers 0 0 1 2 0: label 0 has F1 2*1/(3+1), label 1 has 2*1/(1+3), label 2 has 1.
    tally.add(List.of(0, 1, 2), List.of(hot(0), hot(0), hot(1)));
    tally.add(List.of(4, 3), List.of(hot(0), hot(2)));
    Score score = tally.score();
    assertThat(score.accuracy()).isEqualTo(0.6);
    assertThat(score.macroF1().orElseThrow()).isCloseTo((0.5 + 0.5 + 1) / 3, CLOSE);
    // -log(e / (e + 3)) where right, one more where wrong.
    assertThat(score.loss()).isCloseTo(Math.log(Math.E + 3) - 1 + 0.4, CLOSE);
    assertThat(score.examples()).isEqualTo(5);
  }

  private static float[] hot(int label) {
    float[] logits = new float[4];
    logits[label] = 1;
    return logits;
  }

  @Test
  void setsOfLabelsAreJudgedByDecisionAndAsAWhole() {
    ClassSetTally tally =
        new ClassSetTally(new Targets.ClassSets(List.of(List.of(0, 1), List.of(), List.of(2)), 3));
    tally.add(
        List.of(0, 1, 2),
        List.of(new float[] {2, 2, -2}, new float[] {-2, -2, -2}, new float[] {2, -2, -2}));
    Score score = tally.score();
    // Right: 0 and 1. Answered: 0, 1, 0. Wanted: 0, 1, 2.
    assertThat(value(score, Metric.MICRO_F1)).isCloseTo(2 * 2.0 / 6, CLOSE);
    assertThat(value(score, Metric.MACRO_F1)).isCloseTo((2 / 3.0 + 1 + 0) / 3, CLOSE);
    assertThat(value(score, Metric.EXACT_MATCH)).isCloseTo(2 / 3.0, CLOSE);
    double right = Math.log1p(Math.exp(-2));
    assertThat(score.loss()).isCloseTo((7 * right + 2 * (right + 2)) / 9, CLOSE);
  }

  @Test
  void numbersAreJudgedByErrorAndCorrelation() {
    ValueTally tally = ValueTally.ofNumbers(new Targets.Values(List.of(1.0, 2.0, 3.0, 4.0)));
    tally.add(List.of(3, 2), List.of(new float[] {5}, new float[] {3}));
    tally.add(List.of(1, 0), List.of(new float[] {2}, new float[] {2}));
    Score score = tally.score();
    assertThat(value(score, Metric.MSE)).isCloseTo(0.5, CLOSE);
    // Of (2, 2, 3, 5) with (1, 2, 3, 4): 5 / sqrt(6 * 5).
    assertThat(value(score, Metric.PEARSON)).isCloseTo(5 / Math.sqrt(30), CLOSE);
    // Ranks (1.5, 1.5, 3, 4): 4.5 / sqrt(4.5 * 5).
    assertThat(value(score, Metric.SPEARMAN)).isCloseTo(4.5 / Math.sqrt(22.5), CLOSE);
  }

  @Test
  void sameAnswerToEverythingCorrelatesWithNothing() {
    ValueTally tally = ValueTally.ofNumbers(new Targets.Values(List.of(1.0, 2.0)));
    tally.add(List.of(0, 1), List.of(new float[] {1}, new float[] {1}));
    assertThat(value(tally.score(), Metric.PEARSON)).isZero();
  }

  @Test
  void scoredPairsAreJudgedByTheirCosines() {
    ValueTally tally = ValueTally.ofCosines(new Targets.Values(List.of(1.0, 0.0)));
    float[] east = {1, 0};
    float[] north = {0, 1};
    tally.add(List.of(0, 1), List.of(east, east, east, north));
    assertThat(value(tally.score(), Metric.SPEARMAN)).isCloseTo(1, CLOSE);
    assertThat(tally.score().loss()).isCloseTo(0, CLOSE);
  }

  @Test
  void entitiesAreRightAsAWholeAndPiecesWithoutLabelsDoNotCount() {
    LabelSet labels = new LabelSet(List.of("B-X", "I-X", "O"));
    int none = Targets.IGNORED;
    TagTally tally =
        new TagTally(new Targets.Tags(List.of(List.of(none, 0, none, 1, 2, 0, none))), labels);
    float[] logits = new float[8 * 3]; // One token more than the text has: padding.
    answer(logits, 1, 0);
    answer(logits, 2, 2); // A second piece: not asked.
    answer(logits, 3, 1);
    answer(logits, 4, 0); // Wrong: an entity where there is none.
    answer(logits, 5, 0);
    tally.add(List.of(0), List.of(logits));
    // Wanted: words 0-1 and 3. Answered: 0-1, 2 and 3.
    assertThat(value(tally.score(), Metric.ENTITY_F1)).isCloseTo(2 * 2.0 / 5, CLOSE);
    assertThat(tally.score().accuracy()).isCloseTo(0.75, CLOSE);
  }

  private static void answer(float[] logits, int token, int label) {
    logits[token * 3 + label] = 5;
  }

  @Test
  void labelsWithoutEntitiesAreJudgedByWord() {
    LabelSet labels = new LabelSet(List.of("NOUN", "VERB"));
    TagTally tally = new TagTally(new Targets.Tags(List.of(List.of(0, 1))), labels);
    tally.add(List.of(0), List.of(new float[] {1, 0, 1, 0}));
    assertThat(tally.score().metrics()).containsOnlyKeys(Metric.ACCURACY, Metric.MACRO_F1);
    assertThat(tally.score().accuracy()).isEqualTo(0.5);
  }

  @Test
  void insideWithoutABeginningBeginsAnEntityAndAnotherKindEndsIt() {
    assertThat(Entities.of(List.of("I-X", "I-X", "I-Y", "B-Y", "O")))
        .containsExactlyInAnyOrder(
            new Entities.Entity("X", 0, 2),
            new Entities.Entity("Y", 2, 3),
            new Entities.Entity("Y", 3, 4));
  }

  @Test
  void textIsRetrievedIfItsPartnerIsNearestAlsoAmongNegatives() {
    float[] east = {1, 0};
    float[] north = {0, 1};
    float[] northEast = {0.8f, 0.6f};
    RetrievalTally pairs = new RetrievalTally(EmbeddingInfo.pairs());
    pairs.add(List.of(0, 1), List.of(east, north, northEast, north));
    assertThat(pairs.score().accuracy()).isEqualTo(1);
    RetrievalTally triplets = new RetrievalTally(EmbeddingInfo.pairs());
    triplets.add(List.of(0, 1), List.of(east, north, northEast, north, east, northEast));
    assertThat(triplets.score().accuracy()).isEqualTo(0.5);
  }

  private static double value(Score score, Metric metric) {
    return score.find(metric).orElseThrow();
  }
}
