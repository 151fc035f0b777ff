package dev.banyan.artifacts.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.banyan.artifacts.tensor.Shape;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ParameterInitializerTest {
  @Test
  void kaimingStaysWithinItsBoundAndFillsIt() {
    float[] values = values(spec("a.lora_A", Initializer.KAIMING_UNIFORM, "400", "rank"), 1);
    double bound = 1 / Math.sqrt(400);
    double largest = IntStream.range(0, values.length).mapToDouble(i -> values[i]).max().orElse(0);
    double mean = IntStream.range(0, values.length).mapToDouble(i -> values[i]).sum() / 3200;
    assertThat(largest).isLessThan(bound).isGreaterThan(0.99 * bound);
    // Three standard errors of the mean of 3200 uniform numbers.
    assertThat(mean).isCloseTo(0, within(3 * bound / Math.sqrt(3.0 * 3200)));
  }

  @Test
  void normalHasItsDeviation() {
    float[] values = values(spec("head", Initializer.NORMAL_0_02, "400", "rank"), 1);
    double squares =
        IntStream.range(0, values.length).mapToDouble(i -> values[i] * (double) values[i]).sum();
    // The deviation of 3200 numbers is known to about 1.3 %; three times that.
    assertThat(Math.sqrt(squares / 3200)).isCloseTo(0.02, within(0.0008));
  }

  @Test
  void zerosAreZero() {
    assertThat(values(spec("b.lora_B", Initializer.ZEROS, "rank", "4"), 1)).containsOnly(0);
  }

  @Test
  void valuesDependOnSeedAndNameOnly() {
    ParameterSpec a = spec("a", Initializer.KAIMING_UNIFORM, "16", "rank");
    ParameterSpec b = spec("b", Initializer.KAIMING_UNIFORM, "16", "rank");
    float[] alone = values(a, 5);
    assertThat(
            new ParameterInitializer(5).tensors(List.of(b, a), Sizes.of(8, 2)).getLast().floats())
        .isEqualTo(alone);
    assertThat(values(b, 5)).isNotEqualTo(alone);
    assertThat(values(a, 6)).isNotEqualTo(alone);
  }

  @Test
  void shapeFollowsRankAndLabels() {
    ParameterSpec head = spec("w", Initializer.ZEROS, "16", "labels");
    assertThat(
            new ParameterInitializer(1).tensors(List.of(head), Sizes.of(8, 5)).getFirst().shape())
        .isEqualTo(Shape.of(16, 5));
  }

  private static float[] values(ParameterSpec spec, long seed) {
    return new ParameterInitializer(seed)
        .tensors(List.of(spec), Sizes.of(8, 2))
        .getFirst()
        .floats();
  }

  private static ParameterSpec spec(String name, Initializer init, String... dims) {
    return ParameterSpec.common(name, List.of(dims), init, Layout.TRANSPOSED);
  }
}
