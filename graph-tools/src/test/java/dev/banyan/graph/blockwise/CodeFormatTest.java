package dev.banyan.graph.blockwise;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.Fixtures;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CodeFormatTest {
  private static final int ROWS = 5;
  private static final int COLUMNS = 70;
  private static final int BLOCK = 16;

  static Stream<Bnb4Codes> tables() {
    return Stream.of(Bnb4Codes.NF4, Bnb4Codes.FP4);
  }

  @ParameterizedTest
  @MethodSource("tables")
  void codesAndMagnitudesAreThoseOfBitsandbytes(Bnb4Codes codes) throws IOException {
    JsonNode recorded =
        new ObjectMapper()
            .readTree(Files.readString(Fixtures.export("bnb4").resolveSibling("bnb4.json")));
    JsonNode expected = recorded.get(codes.toString());
    Tensor values =
        Tensor.ofFloats(
            "w",
            Shape.of(recorded.at("/shape/0").asLong(), recorded.at("/shape/1").asLong()),
            floats(recorded.get("values")));
    int block = recorded.get("block").asInt();
    CodeMatrix seen =
        new CodeFormat(codes, block).quantize("w", MatrixRows.of(values), Arena.ofAuto());
    float[] fractions = codes.fractions();
    byte[] packed = bytes(seen.packed().data());
    for (int i = 0; i < packed.length; i++) {
      int octet = expected.at("/packed/" + i).asInt();
      // FP4 has two zeros, of which Banyan uses one: so what the codes stand for is compared.
      assertThat(fractions[packed[i] >> 4 & 15]).as("byte %d", i).isEqualTo(fractions[octet >> 4]);
      assertThat(fractions[packed[i] & 15]).as("byte %d", i).isEqualTo(fractions[octet & 15]);
    }
    assertThat(seen.magnitudes().floats()).containsExactly(floats(expected.get("magnitudes")));
    // One product of floats in both.
    assertThat(dequantized(seen))
        .containsExactly(floats(expected.get("dequantized")), within(1e-9f));
  }

  @ParameterizedTest
  @MethodSource("tables")
  void everyNumberGetsTheNearestCodeOfItsBlock(Bnb4Codes codes) {
    Tensor weight = weight();
    float[] exact = weight.floats();
    float[] seen =
        dequantized(
            new CodeFormat(codes, BLOCK).quantize("w", MatrixRows.of(weight), Arena.ofAuto()));
    for (int i = 0; i < exact.length; i++) {
      double magnitude = 0;
      for (int j = i / BLOCK * BLOCK; j < Math.min(exact.length, (i / BLOCK + 1) * BLOCK); j++) {
        magnitude = Math.max(magnitude, Math.abs(exact[j]));
      }
      double nearest = Double.POSITIVE_INFINITY;
      for (float fraction : codes.fractions()) {
        nearest = Math.min(nearest, Math.abs(fraction * magnitude - exact[i]));
      }
      // The stored product is a float.
      assertThat(Math.abs((double) seen[i] - exact[i])).isCloseTo(nearest, within(1e-6));
    }
  }

  @Test
  void normalFloatsAreQuantilesOfTheNormalDistribution() {
    // Dettmers et al., 2023, section 3: from the probability 0.9677083 down to one half, in eight
    // steps above zero and seven below it.
    double outermost = 0.9677083;
    float[] seen = Bnb4Codes.NF4.fractions();
    for (int i = 0; i < 8; i++) {
      double above = quantile(outermost + (0.5 - outermost) * i / 8) / quantile(outermost);
      double below = -quantile(outermost + (0.5 - outermost) * i / 7) / quantile(outermost);
      // The published table was computed in 32 bits.
      assertThat((double) seen[15 - i]).isCloseTo(above, within(1e-6));
      assertThat((double) seen[i]).isCloseTo(i == 7 ? 0 : below, within(1e-6));
    }
  }

  @Test
  void floatsOfFourBitsAreASignTwoBitsOfExponentAndOneOfMantissa() {
    float[] seen = Bnb4Codes.FP4.fractions();
    float[] ofTwelve = {0, 0.0625f, 8, 12, 4, 6, 2, 3};
    for (int code = 0; code < 8; code++) {
      assertThat(seen[code]).isCloseTo(ofTwelve[code] / 12, within(1e-7f));
      assertThat(seen[code + 8]).isCloseTo(-ofTwelve[code] / 12, within(1e-7f));
    }
  }

  @ParameterizedTest
  @MethodSource("tables")
  void noNumberIsFurtherAwayThanHalfTheWidestGap(Bnb4Codes codes) {
    Tensor weight = weight();
    CodeMatrix stored =
        new CodeFormat(codes, BLOCK).quantize("w", MatrixRows.columnsOf(weight), Arena.ofAuto());
    WeightError error = WeightError.between(MatrixRows.columnsOf(weight), stored);
    assertThat(error.worstSteps()).isBetween(0.5, 1 + 1e-6);
    assertThat(error.mean()).isBetween(0.02, 0.15);
  }

  @Test
  void aWeightIsStoredTheSameWhicheverWayItLies() {
    Tensor weight = weight();
    CodeFormat format = new CodeFormat(Bnb4Codes.NF4, BLOCK);
    CodeMatrix rows = format.quantize("w", MatrixRows.of(weight), Arena.ofAuto());
    CodeMatrix columns =
        format.quantize("w", MatrixRows.columnsOf(weight.transposed()), Arena.ofAuto());
    assertThat(bytes(rows.packed().data())).isEqualTo(bytes(columns.packed().data()));
    Tensor turned = new Tensor("t", DType.FLOAT, Shape.of(COLUMNS, ROWS), room());
    Tensor straight = new Tensor("t", DType.FLOAT, Shape.of(ROWS, COLUMNS), room());
    assertThat(rows.fillTransposed(turned).transposed().floats())
        .isEqualTo(columns.fill(straight).floats());
  }

  private static MemorySegment room() {
    return MemorySegment.ofArray(new byte[ROWS * COLUMNS * Float.BYTES]);
  }

  private static Tensor weight() {
    SplittableRandom random = new SplittableRandom(17);
    float[] values = new float[ROWS * COLUMNS];
    for (int i = 0; i < values.length; i++) {
      values[i] = i < BLOCK ? 0 : (float) random.nextGaussian();
    }
    return Tensor.ofFloats("w", Shape.of(ROWS, COLUMNS), values);
  }

  private static float[] dequantized(BlockMatrix matrix) {
    Shape shape = Shape.of(matrix.rows(), matrix.columns());
    byte[] room = new byte[(int) shape.elements() * Float.BYTES];
    return matrix.fill(new Tensor("f", DType.FLOAT, shape, MemorySegment.ofArray(room))).floats();
  }

  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).floatValue();
    }
    return values;
  }

  private static byte[] bytes(MemorySegment data) {
    return data.toArray(ValueLayout.JAVA_BYTE);
  }

  /** Where the normal distribution has this share below, by halving an interval. */
  private static double quantile(double probability) {
    double low = 0;
    double high = 5;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (normal(middle) < probability) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** The share below x, by the trapezoid rule over the density. */
  private static double normal(double x) {
    int steps = 4000;
    double sum = 0;
    for (int i = 0; i <= steps; i++) {
      double at = x * i / steps;
      sum += Math.exp(-at * at / 2) * (i == 0 || i == steps ? 0.5 : 1);
    }
    return 0.5 + sum * x / steps / Math.sqrt(2 * Math.PI);
  }
}
