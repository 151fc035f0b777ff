package dev.banyan.runtime.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class BatchPartsTest {
  @Test
  void rowsWithoutLearnedTokensAreNotLengthenedByAFewWithThem() {
    assertThat(BatchParts.of(new int[] {0, 20, 0, 0, 8}, 64))
        .containsExactly(List.of(0, 2, 3), List.of(1, 4));
  }

  @Test
  void rowsOfOneKindStayTogether() {
    assertThat(BatchParts.of(new int[] {0, 0}, 64)).containsExactly(List.of(0, 1));
    assertThat(BatchParts.of(new int[] {5, 20}, 64)).containsExactly(List.of(0, 1));
  }

  /** Two learned tokens before texts of 64 lengthen the others by 3 %, less than a run costs. */
  @Test
  void littleIsNotWorthARunOfItsOwn() {
    assertThat(BatchParts.of(new int[] {0, 2, 0, 0}, 64)).containsExactly(List.of(0, 1, 2, 3));
  }
}
