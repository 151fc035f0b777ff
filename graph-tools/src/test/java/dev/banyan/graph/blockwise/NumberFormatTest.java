package dev.banyan.graph.blockwise;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class NumberFormatTest {
  private static final int ROWS = 7;

  /** No whole number of blocks, and an odd one. */
  private static final int COLUMNS = 75;

  private static final int BLOCK = 16;

  static Stream<NumberFormat> formats() {
    return Stream.of(
        new NumberFormat(4, BLOCK, false),
        new NumberFormat(4, BLOCK, true),
        new NumberFormat(8, BLOCK, false),
        new NumberFormat(8, BLOCK, true));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void noNumberIsFurtherAwayThanItsStep(NumberFormat format) {
    Tensor weight = weight(0);
    NumberMatrix stored = format.quantize("w", MatrixRows.of(weight), Arena.ofAuto());
    WeightError error = WeightError.between(MatrixRows.of(weight), stored);
    // Rounding to floats adds a little.
    assertThat(error.worstSteps()).isBetween(0.3, 1 + 1e-4);
    assertThat(error.mean()).isBetween(1e-4, format.bits() == 4 ? 0.12 : 0.008);
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whatIsStoredIsTheNearestNumberOfItsScale(NumberFormat format) {
    Tensor weight = weight(0.4f);
    NumberMatrix stored = format.quantize("w", MatrixRows.of(weight), Arena.ofAuto());
    float[] scales = stored.scales().floats();
    float[] exact = weight.floats();
    float[] seen = new float[COLUMNS];
    int blocks = Math.ceilDiv(COLUMNS, BLOCK);
    for (int row = 0; row < ROWS; row++) {
      stored.read(row, seen);
      for (int i = 0; i < COLUMNS; i++) {
        double scale = scales[row * blocks + i / BLOCK];
        int zero = zero(stored, row, i / BLOCK);
        double number = Math.rint(exact[row * COLUMNS + i] / scale) + zero;
        double clipped = Math.max(0, Math.min(number, (1 << format.bits()) - 1));
        // Half of a step is rounded either way.
        assertThat(Math.abs(seen[i] - exact[row * COLUMNS + i]))
            .isLessThanOrEqualTo(
                (float) Math.abs((clipped - zero) * scale - exact[row * COLUMNS + i]) + 1e-5f);
      }
    }
  }

  private static int zero(NumberMatrix stored, int row, int block) {
    int bits = stored.layout().bits();
    if (stored.zeroPoints().isEmpty()) {
      return 1 << (bits - 1);
    }
    int perRow = Math.toIntExact(stored.layout().zeroPointBytes());
    int octet =
        stored
                .zeroPoints()
                .get()
                .data()
                .get(ValueLayout.JAVA_BYTE, (long) row * perRow + block * bits / 8)
            & 0xff;
    return bits == 8 ? octet : (octet >> (block % 2 * 4)) & 15;
  }

  @Test
  void zeroPointsHelpWhereAllNumbersLieOnOneSide() {
    Tensor weight = weight(5);
    assertThat(error(new NumberFormat(4, BLOCK, true), weight))
        .isLessThan(error(new NumberFormat(4, BLOCK, false), weight) * 0.7);
  }

  @Test
  void zeroStaysZero() {
    Tensor weight = Tensor.ofFloats("w", Shape.of(2, 20), new float[40]);
    formats()
        .forEach(
            format -> {
              float[] seen = new float[20];
              format.quantize("w", MatrixRows.of(weight), Arena.ofAuto()).read(1, seen);
              assertThat(seen).containsOnly(0);
            });
  }

  @Test
  void aBlockThatReachesAsFarOnBothSidesKeepsBothEnds() {
    Tensor weight = Tensor.ofFloats("w", Shape.of(1, 4), 7, -7, 1, 0);
    float[] seen = new float[4];
    new NumberFormat(4, BLOCK, false)
        .quantize("w", MatrixRows.of(weight), Arena.ofAuto())
        .read(0, seen);
    assertThat(seen).containsExactly(7, -7, 1, 0);
  }

  @Test
  void aBlockThatReachesFurthestOnOneSideUsesTheNumberThatTheOtherSideLacks() {
    Tensor weight = Tensor.ofFloats("w", Shape.of(1, 4), 8, -7, 1, -3);
    float[] seen = new float[4];
    new NumberFormat(4, BLOCK, false)
        .quantize("w", MatrixRows.of(weight), Arena.ofAuto())
        .read(0, seen);
    assertThat(seen).containsExactly(8, -7, 1, -3);
  }

  private static double error(NumberFormat format, Tensor weight) {
    NumberMatrix stored = format.quantize("w", MatrixRows.of(weight), Arena.ofAuto());
    return WeightError.between(MatrixRows.of(weight), stored).mean();
  }

  private static Tensor weight(float shift) {
    SplittableRandom random = new SplittableRandom(19);
    float[] values = new float[ROWS * COLUMNS];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() + shift;
    }
    return Tensor.ofFloats("w", Shape.of(ROWS, COLUMNS), values);
  }
}
