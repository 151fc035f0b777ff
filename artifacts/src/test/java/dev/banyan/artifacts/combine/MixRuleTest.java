package dev.banyan.artifacts.combine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MixRuleTest {
  private static final RandomMasks NONE =
      (place, elements, density) -> {
        throw new AssertionError("Nothing is random here");
      };

  /** Exact: every number in these tests is a small binary fraction. */
  private static final double EXACT = 0;

  @Test
  void aSumCountsEachTensorByItsWeight() {
    assertMixed(new WeightedSum(), List.of(1.5, -1.0), 1, -3);
  }

  private static void assertMixed(MixRule rule, List<Double> weights, double... expected) {
    List<MixRule.Weighted> tensors = tensors(weights, new double[] {2, -4}, new double[] {2, -3});
    assertThat(rule.mix(tensors, NONE)).containsExactly(expected, within(EXACT));
  }

  private static List<MixRule.Weighted> tensors(List<Double> weights, double[]... values) {
    List<MixRule.Weighted> tensors = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      RandomMasks.Place place = new RandomMasks.Place("layer", i);
      DMatrixRMaj matrix = DMatrixRMaj.wrap(1, values[i].length, values[i]);
      tensors.add(new MixRule.Weighted(place, weights.get(i), matrix));
    }
    return tensors;
  }

  @Test
  void pruningKeepsTheLargestMagnitudesOfEachTensor() {
    double[] first = {1, -5, 3, 0.5};
    double[] second = {-8, 1, 2, 4};
    double[] mixed = new MagnitudePruning(0.5).mix(tensors(List.of(1.0, 0.5), first, second), NONE);
    assertThat(mixed).containsExactly(new double[] {-4, -5, 3, 2}, within(EXACT));
  }

  @Test
  void ofEqualMagnitudesAtTheEdgeTheFirstStay() {
    double[] values = {1, -2, 2, -2, 2};
    assertThat(new MagnitudePruning(0.5).mix(tensors(List.of(1.0), values), NONE))
        .containsExactly(new double[] {0, -2, 2, 0, 0}, within(EXACT));
  }

  @Test
  void aDensityThatRoundsToNoElementLeavesZeros() {
    assertThat(new MagnitudePruning(0.1).mix(tensors(List.of(1.0), new double[] {7}), NONE))
        .containsExactly(new double[] {0}, within(EXACT));
  }

  @Test
  void signsAreElectedBeforeWeightsCount() {
    // The sum of 3, -1 and -1 is positive, and most of them are negative.
    double[][] values = {{3}, {-1}, {-1}};
    List<Double> weights = List.of(0.5, 2.0, 4.0);
    assertThat(new Ties(1, MajoritySign.TOTAL).mix(tensors(weights, values), NONE))
        .containsExactly(new double[] {1.5}, within(EXACT));
    assertThat(new Ties(1, MajoritySign.FREQUENCY).mix(tensors(weights, values), NONE))
        .containsExactly(new double[] {-3}, within(EXACT));
  }

  @Test
  void aTieElectsPlus() {
    assertThat(
            new Ties(1, MajoritySign.TOTAL)
                .mix(tensors(List.of(1.0, 1.0), new double[] {2}, new double[] {-2}), NONE))
        .containsExactly(new double[] {2}, within(EXACT));
  }

  @Test
  void whereEveryElementWasLeftOutTheMeanIsZero() {
    double[][] values = {{4, 1}, {4, 1}};
    assertThat(new Ties(0.5, MajoritySign.TOTAL).mix(tensors(List.of(1.0, 1.0), values), NONE))
        .containsExactly(new double[] {4, 0}, within(EXACT));
  }

  @Test
  void whatIsDroppedAtRandomIsMadeUpFor() {
    RandomMasks masks =
        (place, elements, density) ->
            place.adapter() == 0 ? new boolean[] {true, false} : new boolean[] {true, true};
    double[] mixed =
        new DareLinear(0.5)
            .mix(tensors(List.of(1.0, -1.0), new double[] {1, 2}, new double[] {3, 4}), masks);
    assertThat(mixed).containsExactly(new double[] {-4, -8}, within(EXACT));
  }

  @Test
  void whatRemainsOfRandomDroppingElectsTheSigns() {
    RandomMasks masks = (place, elements, density) -> new boolean[] {place.adapter() != 0};
    double[] mixed =
        new DareTies(0.5, MajoritySign.TOTAL)
            .mix(tensors(List.of(1.0, 1.0), new double[] {8}, new double[] {-1}), masks);
    assertThat(mixed).containsExactly(new double[] {-2}, within(EXACT));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -0.1, 1.1, Double.NaN})
  void aDensityIsAboveZeroAndAtMostOne(double density) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DareLinear(density))
        .withMessageContaining("density is");
  }

  @Test
  void masksAreThoseOfTheirSeedAndPlace() {
    RandomMasks.Place place = new RandomMasks.Place("a.lora_A.weight", 0);
    boolean[] kept = new SeededMasks(1).kept(place, 10_000, 0.3);
    assertThat(new SeededMasks(1).kept(place, 10_000, 0.3)).isEqualTo(kept);
    assertThat(new SeededMasks(2).kept(place, 10_000, 0.3)).isNotEqualTo(kept);
    assertThat(new SeededMasks(1).kept(new RandomMasks.Place("a.lora_A.weight", 1), 10_000, 0.3))
        .isNotEqualTo(kept);
    int count = 0;
    for (boolean one : kept) {
      count += one ? 1 : 0;
    }
    // Six deviations of a binomial distribution: root(10 000 * 0.3 * 0.7) is 46.
    assertThat(count).isBetween(3000 - 276, 3000 + 276);
  }
}
