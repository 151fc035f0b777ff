package dev.banyan.graph.lowering;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.OpId;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FusedOperatorsTest {
  @TempDir Path folder;

  static Stream<FusedCase> standard() {
    return FusedOperators.standard();
  }

  @ParameterizedTest
  @MethodSource("standard")
  void loweredOperatorGivesWhatTheFusedKernelGives(FusedCase row) {
    new FusedCheck(row).check(LoweringRules.standard(), folder);
  }

  static Stream<FusedCase> quantizedWeights() {
    return FusedOperators.quantizedWeights();
  }

  @ParameterizedTest
  @MethodSource("quantizedWeights")
  void dequantizedWeightGivesWhatTheQuantizedKernelGives(FusedCase row) {
    Model lowered = new FusedCheck(row).check(LoweringRules.dequantize(), folder);

    assertThat(lowered.graph().nodes()).allMatch(node -> node.op().domain().isEmpty());
  }

  static Stream<FusedCase> keptNumbers() {
    return FusedOperators.keptNumbers();
  }

  @ParameterizedTest
  @MethodSource("keptNumbers")
  void keptNumbersGiveWhatTheirFloatsGive(FusedCase row) {
    LoweringRules kept = LoweringRules.standard();
    new FusedCheck(row).same(kept.plus(LoweringRules.dequantize()), kept, folder);
  }

  @Test
  void everyRuleHasARow() {
    Set<OpId> tried = FusedOperators.standard().map(FusedCase::op).collect(Collectors.toSet());

    Set<OpId> dequantized =
        FusedOperators.quantizedWeights().map(FusedCase::op).collect(Collectors.toSet());

    assertThat(tried).containsAll(LoweringRules.standard().operators());
    assertThat(dequantized).containsAll(LoweringRules.dequantize().operators());
  }
}
