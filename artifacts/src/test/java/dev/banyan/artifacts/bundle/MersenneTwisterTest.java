package dev.banyan.artifacts.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MersenneTwisterTest {
  /** The C++ standard gives the 10000th number of the default seed, [rand.predef]. */
  @Test
  void drawsTheNumbersOfTheStandard() {
    MersenneTwister random = new MersenneTwister(5489);
    assertThat(Integer.toUnsignedLong(random.bits())).isEqualTo(3499211612L);
    for (int i = 2; i < 10000; i++) {
      random.bits();
    }
    assertThat(Integer.toUnsignedLong(random.bits())).isEqualTo(4123659995L);
  }
}
