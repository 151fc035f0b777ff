package dev.banyan.runtime.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProcessStatsTest {
  @Test
  void peakIsReadFromTheKernelsLine() {
    assertThat(ProcessStats.parsePeak("Name:\tjava\nVmHWM:\t  204800 kB\nVmRSS:\t 1 kB\n"))
        .isEqualTo(200);
  }

  @Test
  void thisProcessHasAnAgeAndHoldsMemory() {
    assertThat(ProcessStats.peakRssMib()).isBetween(10L, 100_000L);
    double seconds = ProcessStats.secondsSinceStart();
    assertThat(seconds).isPositive();
    assertThat(ProcessStats.secondsSinceStart()).isGreaterThanOrEqualTo(seconds);
  }
}
