package dev.banyan.runtime.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class RunIdentityTest {
  @Test
  void aRunOfBeforeThereWasAChoiceOfOrderIsTheSame() {
    RunIdentity before = new RunIdentity(Map.of("seed", "1"));
    assertThat(identity("by-length").differencesFrom(before)).isEmpty();
    assertThat(identity("shuffled").differencesFrom(before))
        .containsExactly("passes.order was by-length and is shuffled");
  }

  private static RunIdentity identity(String order) {
    return new RunIdentity(Map.of("seed", "1", "passes.order", order));
  }
}
