package dev.banyan.runtime.inference;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.runtime.ort.SessionSettings;
import dev.banyan.runtime.report.ProcessStats;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What has no room is refused before any memory is taken. */
class SlotBankTest {
  private static final String LARGEST = "16000";
  private static final int GIB = 1 << 30;

  @Test
  void bankBeyondTwoGibibytesIsRefusedByName() {
    assertThatThrownBy(() -> bank(List.of(matrix(0)), 2))
        .isInstanceOf(InferenceFailure.BankTooLarge.class)
        .hasMessage(
            "The bank of 'layer.0.weight' has 2929 MiB, more than the 2047 MiB of one tensor; lower --slots (2)");
  }

  @Test
  void banksThatTogetherExceedTheMachineAreRefusedWithWhatToLower() {
    // Each of these banks has 0.95 GiB a slot, and there are two slots with that of the bare base.
    int banks = (int) (ProcessStats.memoryBytes() / GIB) + 2;
    assertThatThrownBy(
            () -> bank(IntStream.range(0, banks).mapToObj(SlotBankTest::matrix).toList(), 1))
        .isInstanceOf(InferenceFailure.BanksTooLarge.class)
        .hasMessageContaining("Each of 1 slots")
        .hasMessageContaining("Lower --slots");
  }

  private static void bank(List<ParameterSpec> specs, int slots) {
    ServingPlan plan = new ServingPlan(slots, ServingPlan.usualRoom(), SessionSettings.defaults());
    new SlotBank(specs, BaseValues.none(), plan).close();
  }

  private static ParameterSpec matrix(int layer) {
    return ParameterSpec.of(
        MethodName.FULL,
        "layer." + layer + ".weight",
        List.of(LARGEST, LARGEST),
        Initializer.FROM_BASE);
  }
}
