package dev.banyan.graph.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.banyan.graph.ir.OpId;
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
  private static final GradientRules PLAIN = GradientRules.plainOnnx();

  /** What adds to plain ONNX, each table containing those before it. */
  private static final List<Table> OVERRIDING =
      List.of(
          new Table("ort", GradientRules.forOrt(), PLAIN),
          new Table(
              "training kernels", GradientRules.withTrainingKernels(), GradientRules.forOrt()));

  /** One of them, with the one that it is put on. */
  record Table(String name, GradientRules rules, GradientRules below) {
    boolean overrides(GradientCase row) {
      OpId op = GradientCheck.id(row.op());
      return !rules.find(op).equals(below.find(op));
    }

    @Override
    public String toString() {
      return name;
    }
  }

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

  /** The rows of operators for which a table has a rule of its own; the others' are plain. */
  static Stream<Arguments> overriddenRows() {
    List<Arguments> runs = new ArrayList<>();
    for (Table table : OVERRIDING) {
      for (GradientCase row : GradientTable.rows()) {
        if (table.overrides(row)) {
          row.opsets().forEach(opset -> runs.add(Arguments.of(table, row.inFloat(), opset, false)));
          runs.add(Arguments.of(table, row, row.opsets().getLast(), false));
          if (row.hideable()) {
            runs.add(Arguments.of(table, row.inFloat(), row.opsets().getLast(), true));
          }
        }
      }
    }
    return runs.stream();
  }

  /** ONNX Runtime's operators are for float mostly; in double a rule falls back on plain ones. */
  @ParameterizedTest(name = "{0}: {1} opset {2} hidden shapes {3}")
  @MethodSource("overriddenRows")
  void gradientByOrtIsTheSlopeToo(Table table, GradientCase row, int opset, boolean hidden) {
    new GradientCheck(row, opset, hidden, 18).check(table.rules(), folder);
  }

  /** What models of text, images and sound consist of. */
  @Test
  void whatTransformerVisionAndAudioEncodersConsistOfIsDifferentiable() {
    String operators =
        """
        Add Sub Mul Div Neg Pow Sqrt Reciprocal Exp Log Abs Erf Tanh Sigmoid Relu LeakyRelu Elu Gelu
        Softplus HardSigmoid HardSwish Mish Sin Cos Clip Min Max Where Sum Mean MatMul Gemm Einsum
        Conv AveragePool MaxPool GlobalAveragePool Softmax LogSoftmax LayerNormalization
        RMSNormalization SimplifiedLayerNormalization InstanceNormalization GroupNormalization
        BatchNormalization ReduceSum ReduceMean ReduceMax ReduceL2 CumSum Reshape Transpose Squeeze
        Unsqueeze Flatten Expand Tile Concat Split Slice Pad Gather GatherElements GatherND
        ScatterND ScatterElements Trilu Cast Identity Dropout Resize SoftmaxCrossEntropyLoss
        """;
    assertThat(operators.strip().split("\\s+"))
        .allSatisfy(
            op ->
                assertThat(PLAIN.find(OpId.onnx(op)))
                    .get()
                    .isNotInstanceOf(GradientRule.NonDifferentiable.class));
  }

  @Test
  void everyDifferentiableOperatorIsTriedOnNothing() {
    Set<String> tried = new TreeSet<>();
    GradientTable.rows().stream().filter(GradientCase::isEmpty).forEach(row -> tried.add(row.op()));
    // ONNX Runtime 1.28 itself refuses it, and TopK of nothing ends the process.
    tried.addAll(List.of("TopK", "SoftmaxCrossEntropyLoss", "GroupNormalization"));
    assertThat(tried).isEqualTo(differentiable());
  }

  @Test
  void everyDifferentiableOperatorHasARow() {
    Set<String> tried = new TreeSet<>();
    GradientTable.rows().forEach(row -> tried.add(row.op()));
    assertThat(tried).isEqualTo(differentiable());
  }

  private static Set<String> differentiable() {
    Set<String> differentiable = new TreeSet<>();
    PLAIN.operators().stream()
        .filter(op -> !(PLAIN.find(op).orElseThrow() instanceof GradientRule.NonDifferentiable))
        .forEach(op -> differentiable.add(op.toString()));
    return differentiable;
  }
}
