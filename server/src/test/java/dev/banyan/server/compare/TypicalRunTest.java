package dev.banyan.server.compare;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.artifacts.bundle.MethodName;
import java.util.List;
import org.junit.jupiter.api.Test;

class TypicalRunTest {
  @Test
  void severalMethodsHaveTheSmallestRateAndEachFlagOnce() {
    TypicalRun run =
        TypicalRun.of(List.of(MethodName.LORA, MethodName.MISS, MethodName.BITFIT, MethodName.IA3));
    assertThat(run.learningRate()).isEqualTo(3e-3);
    assertThat(run.flags()).containsExactly("--rank=8", "--alpha=16");
  }
}
