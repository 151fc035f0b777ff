package dev.banyan.graph.autodiff;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every rule against the slope of its operator. */
class GradientTableTest {
  @TempDir Path folder;

  static Stream<Arguments> rows() {
    List<Arguments> runs = new ArrayList<>();
    for (GradientCase row : GradientTable.rows()) {
      for (int opset : row.opsets()) {
        runs.add(Arguments.of(row, opset, false));
        if (row.hideable()) {
          runs.add(Arguments.of(row, opset, true));
        }
      }
    }
    return runs.stream();
  }

  @ParameterizedTest(name = "{0} opset {1} hidden shapes {2}")
  @MethodSource("rows")
  void gradientIsTheSlope(GradientCase row, int opset, boolean named) {
    new GradientCheck(row, opset, named, 17).check(GradientRules.forOrt(), folder);
  }

  @Test
  void everyDifferentiableOperatorHasARow() {
    Set<String> tried = new TreeSet<>();
    GradientTable.rows().forEach(row -> tried.add(row.op()));
    GradientRules rules = GradientRules.forOrt();
    Set<String> differentiable = new TreeSet<>();
    rules.operators().stream()
        .filter(op -> !(rules.find(op).orElseThrow() instanceof GradientRule.NonDifferentiable))
        .forEach(op -> differentiable.add(op.toString()));
    org.assertj.core.api.Assertions.assertThat(tried).isEqualTo(differentiable);
  }
}
