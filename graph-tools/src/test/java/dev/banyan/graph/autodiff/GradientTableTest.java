package dev.banyan.graph.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

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
      }
      if (row.hideable()) {
        // Sums over axes found at run time are built one way before opset 13 and another after.
        runs.add(Arguments.of(row, row.opsets().getFirst(), true));
        runs.add(Arguments.of(row, row.opsets().getLast(), true));
      }
    }
    return runs.stream();
  }

  @ParameterizedTest(name = "{0} opset {1} hidden shapes {2}")
  @MethodSource("rows")
  void gradientIsTheSlope(GradientCase row, int opset, boolean named) {
    new GradientCheck(row, opset, named, 17).check(GradientRules.forOrt(), folder);
  }

  static Stream<GradientCase> products() {
    return GradientTable.rows().stream().filter(row -> row.op().equals("MatMul"));
  }

  /** The other tables have one row for an operator; this one is overridden by ONNX Runtime's. */
  @ParameterizedTest
  @MethodSource("products")
  void plainProductsHaveTheSameGradient(GradientCase row) {
    new GradientCheck(row, 20, false, 18).check(GradientRules.plainOnnx(), folder);
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
    assertThat(tried).isEqualTo(differentiable);
  }
}
