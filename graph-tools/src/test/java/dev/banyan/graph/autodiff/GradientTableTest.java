package dev.banyan.graph.autodiff;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every rule against the slope of its operator. */
class GradientTableTest {
  private static final GradientRules PLAIN = GradientRules.plainOnnx();

  private static final Map<String, GradientRules> OVERRIDING =
      new TreeMap<>(Map.of("ort", GradientRules.forOrt()));

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
    new GradientCheck(row, opset, named, 17).check(PLAIN, folder);
  }

  /** The rows of operators for which a table that adds to plain ONNX has a rule of its own. */
  static Stream<Arguments> overriddenRows() {
    List<Arguments> runs = new ArrayList<>();
    for (GradientCase row : GradientTable.rows()) {
      OVERRIDING.forEach(
          (name, rules) -> {
            if (!ruleOf(rules, row).equals(ruleOf(PLAIN, row))) {
              for (int opset : row.opsets()) {
                for (boolean hidden : row.hideable() ? List.of(false, true) : List.of(false)) {
                  runs.add(Arguments.of(name, row, opset, hidden));
                  runs.add(Arguments.of(name, row.inFloat(), opset, hidden));
                }
              }
            }
          });
    }
    return runs.stream();
  }

  /** Kernels of ONNX Runtime are for float mostly: each row is tried in float too. */
  @ParameterizedTest(name = "{0}: {1} opset {2} hidden shapes {3}")
  @MethodSource("overriddenRows")
  void gradientByOrtIsTheSlopeToo(String table, GradientCase row, int opset, boolean hidden) {
    GradientRules rules = requireNonNull(OVERRIDING.get(table));
    new GradientCheck(row, opset, hidden, 18).check(rules, folder);
  }

  private static GradientRule ruleOf(GradientRules rules, GradientCase row) {
    return rules.find(GradientCheck.id(row.op())).orElseThrow();
  }

  @Test
  void everyDifferentiableOperatorHasARow() {
    Set<String> tried = new TreeSet<>();
    GradientTable.rows().forEach(row -> tried.add(row.op()));
    Set<String> differentiable = new TreeSet<>();
    PLAIN.operators().stream()
        .filter(op -> !(PLAIN.find(op).orElseThrow() instanceof GradientRule.NonDifferentiable))
        .forEach(op -> differentiable.add(op.toString()));
    assertThat(tried).isEqualTo(differentiable);
  }
}
