package dev.banyan.graph.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Recorded from PEFT 0.21.2's {@code factorization}. */
class KroneckerShapeTest {
  @Test
  void dimensionsAreSplitNearTheirSquareRoot() {
    assertThat(KroneckerShape.of(32, 64, -1)).isEqualTo(new KroneckerShape(8, 4, 8, 8));
    assertThat(KroneckerShape.of(127, 128, -1)).isEqualTo(new KroneckerShape(8, 1, 16, 127));
    assertThat(KroneckerShape.of(768, 3072, -1)).isEqualTo(new KroneckerShape(48, 24, 64, 32));
  }

  @Test
  void factorThatDividesIsTakenAsItIsAndElseBoundsTheSmallerPart() {
    assertThat(KroneckerShape.of(32, 64, 4)).isEqualTo(new KroneckerShape(4, 4, 16, 8));
    assertThat(KroneckerShape.of(32, 64, 16)).isEqualTo(new KroneckerShape(16, 16, 4, 2));
    assertThat(KroneckerShape.of(30, 45, 7)).isEqualTo(new KroneckerShape(5, 5, 9, 6));
  }

  @Test
  void factorIsWholeFromHalfOfItsLargerSideOn() {
    KroneckerShape shape = KroneckerShape.of(127, 128, -1);
    assertThat(shape.wholeInner()).isEqualTo(64);
    assertThat(shape.wholeOuter()).isEqualTo(4);
  }
}
