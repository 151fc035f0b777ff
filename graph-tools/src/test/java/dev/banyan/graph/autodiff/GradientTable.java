package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientCase.op;

import dev.banyan.artifacts.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** What the gradient of every operator is tried on: a new row is a new test. */
final class GradientTable {
  private static final Shape SCALAR = Shape.SCALAR;

  private GradientTable() {}

  static List<GradientCase> rows() {
    List<GradientCase> rows = new ArrayList<>();
    rows.addAll(elementwise());
    rows.addAll(activations());
    rows.addAll(products());
    rows.addAll(quantizedProducts());
    rows.addAll(shapes());
    rows.addAll(pads());
    rows.addAll(indices());
    rows.addAll(reductions());
    rows.addAll(normalizations());
    rows.addAll(losses());
    rows.addAll(ImageGradientTable.rows());
    rows.addAll(nothing());
    return rows;
  }

  private static List<GradientCase> elementwise() {
    return List.of(
        op("Identity").in(2, 3),
        op("Cast").in(2, 3).set("to", 1).inFloat(),
        op("CastLike").in(2, 3).frozen(Shape.of(1), 1).opsets(15, 20),
        op("Add").in(2, 3).in(2, 3),
        op("Add").in(2, 3, 4).in(4),
        op("Add").in(3, 1).in(2, 1, 4),
        op("Add").in().in(2, 3),
        op("Add").in(0, 3).in(3).shown(),
        op("Sub").in(2, 3).in(2, 1),
        op("Mul").in(2, 3).in(2, 3),
        op("Mul").in(2, 1, 3).in(4, 1),
        op("Mul").in(2, 3).in(),
        op("Div").in(2, 3).in(2, 3).range(0.5, 2),
        op("Div").in(2, 3).in(2, 1).range(0.5, 2),
        op("Div").in(3).in(2, 3).range(-2, -0.5),
        op("Pow").in(2, 3).frozen(SCALAR, 2),
        op("Pow").in(2, 3).frozen(SCALAR, 3),
        op("Pow").in(2, 3).longs(SCALAR, 2).opsets(13, 20),
        op("Pow").in(2, 3).range(0.5, 2).frozen(SCALAR, 0.5),
        op("Pow").in(2, 3).range(0.5, 2).in(3),
        op("Sum").in(2, 3).in(3).in(2, 1),
        op("Mean").in(2, 3).in(2, 3).in(3).inFloat(),
        op("Min").in(2, 3).range(0, 1).in(2, 3).range(1.1, 2).opsets(12, 20),
        op("Max").in(2, 3).in(3).opsets(12, 20),
        op("Where").truth(Shape.of(2, 1), true, false).in(2, 3).in(3),
        op("Clip").in(2, 3).range(-0.9, 0.9).frozen(SCALAR, -1).frozen(SCALAR, 1).opsets(12, 20),
        op("Clip").in(2, 3).range(1.1, 2).frozen(SCALAR, -1).opsets(12, 20),
        op("Neg").in(2, 3),
        op("Abs").in(2, 3).range(0.1, 2),
        op("Abs").in(2, 3).range(-2, -0.1),
        op("Sqrt").in(2, 3).range(0.5, 2),
        op("Reciprocal").in(2, 3).range(0.5, 2),
        op("Exp").in(2, 3),
        op("Log").in(2, 3).range(0.5, 2),
        op("Sin").in(2, 3).inFloat(),
        op("Cos").in(2, 3).inFloat(),
        op("Tan").in(2, 3).range(-1, 1).inFloat(),
        op("Atan").in(2, 3).inFloat(),
        op("Erf").in(2, 3).inFloat(),
        op("Tanh").in(2, 3),
        op("Sigmoid").in(2, 3));
  }

  private static List<GradientCase> activations() {
    List<GradientCase> rows = new ArrayList<>();
    rows.addAll(
        List.of(
            op("Relu").in(2, 3).range(0.1, 2),
            op("Relu").in(2, 3).range(-2, -0.1).opsets(14, 20),
            op("LeakyRelu").in(2, 3).range(-2, -0.1).set("alpha", 0.2f),
            op("PRelu").in(2, 3).range(-2, -0.1).in(2, 3),
            op("PRelu").in(2, 3, 4).range(-2, -0.1).in(3, 1),
            op("PRelu").in(2, 3).range(0.1, 2).in(3),
            op("PRelu").in(0, 3).in(3).shown(),
            op("ThresholdedRelu").in(2, 3).range(0.6, 2).set("alpha", 0.5f),
            op("ThresholdedRelu").in(2, 3).range(-2, 0.9),
            op("Elu").in(2, 3).range(-2, -0.1).set("alpha", 0.5f),
            op("Celu").in(2, 3).range(-2, -0.1).set("alpha", 0.5f).opsets(12, 20),
            op("Selu").in(2, 3).range(-2, -0.1),
            op("Selu").in(2, 3).range(-2, -0.1).set("alpha", 2f).set("gamma", 0.5f),
            op("HardSigmoid").in(2, 3).range(-2, 2),
            op("HardSigmoid").in(2, 3).range(1.1, 2).set("alpha", 0.5f),
            op("HardSigmoid").in(2, 3).range(-2, -0.1).set("alpha", 0.1f).set("beta", 0.3f),
            op("HardSwish").in(2, 3).range(-2.9, 2.9).opsets(14, 20),
            op("HardSwish").in(2, 3).range(3.1, 4).opsets(14, 20),
            op("HardSwish").in(2, 3).range(-4, -3.1).opsets(14, 20),
            op("Swish").in(2, 3).set("alpha", 1.5f).opsets(24),
            op("Gelu").in(2, 3).set("approximate", "tanh").opsets(20),
            op("Dropout").in(2, 3),
            op("Dropout").in(2, 3).frozen(SCALAR, 0.5).opsets(13, 20)));
    for (GradientCase any :
        List.of(
            op("Relu"),
            op("LeakyRelu"),
            op("ThresholdedRelu"),
            op("Elu"),
            op("Celu").opsets(12, 20),
            op("Selu"),
            op("Softplus"),
            op("Softsign"),
            op("HardSigmoid"),
            op("HardSwish").opsets(14, 20),
            op("Swish").opsets(24),
            op("Mish").opsets(18, 20),
            op("Gelu").opsets(20),
            op("com.microsoft.Gelu"),
            op("com.microsoft.QuickGelu"),
            op("com.microsoft.QuickGelu").set("alpha", 1f))) {
      rows.add(any.in(2, 3).range(0.1, 0.9));
      rows.add(any.in(2, 3, 4).range(0.1, 0.9));
      rows.add(any.in(0, 3));
    }
    return rows.stream().map(GradientCase::inFloat).toList();
  }

  private static List<GradientCase> quantizedProducts() {
    GradientCase product = op("com.microsoft.MatMulNBits").set("N", 3).set("block_size", 16);
    Shape scales = Shape.of(3, 2);
    double[] steps = {0.02, -0.03, 0.04, 0.01, 0.05, -0.02};
    GradientCase four = product.set("bits", 4).set("K", 32);
    GradientCase ragged = product.set("bits", 4).set("K", 20);
    return List.of(
        four.in(2, 3, 32).packed(3, 2, 8).frozen(scales, steps).inFloat(),
        four.in(4, 32).packed(3, 2, 8).frozen(scales, steps).packed(3).inFloat(),
        four.in(0, 32).packed(3, 2, 8).frozen(scales, steps).inFloat(),
        ragged.in(2, 3, 20).packed(3, 2, 8).frozen(scales, steps).inFloat(),
        ragged.in(2, 20).packed(3, 2, 8).frozen(scales, steps).packed(3, 1).inFloat(),
        product
            .set("bits", 8)
            .set("K", 32)
            .in(2, 32)
            .packed(3, 2, 16)
            .frozen(scales, 0.002, -0.003, 0.004, 0.001, 0.005, -0.002)
            .inFloat(),
        normalFloat(2, 3, 8),
        normalFloat(0, 8));
  }

  private static GradientCase normalFloat(long... input) {
    return op("com.microsoft.MatMulBnb4")
        .set("K", 8)
        .set("N", 4)
        .set("block_size", 16)
        .set("transB", 1)
        .set("quant_type", 1)
        .in(input)
        .packed(16, 1)
        .frozen(Shape.of(2), 0.7, 0.4)
        .inFloat();
  }

  private static List<GradientCase> products() {
    List<GradientCase> rows = new ArrayList<>();
    for (GradientCase row :
        List.of(
            op("MatMul").in(2, 3).in(3, 4),
            op("MatMul").in(5, 2, 3).in(3, 4),
            op("MatMul").in(2, 5, 2, 3).in(3, 4),
            op("MatMul").in(5, 2, 3).in(5, 3, 4),
            op("MatMul").in(2, 1, 2, 3).in(5, 3, 4),
            op("MatMul").in(2, 3).in(5, 3, 4),
            op("MatMul").in(3).in(3, 4),
            op("MatMul").in(3).in(5, 3, 4),
            op("MatMul").in(2, 3).in(3),
            op("MatMul").in(5, 2, 3).in(3),
            op("MatMul").in(3).in(3),
            op("MatMul").in(0, 2, 3).in(3, 4))) {
      rows.add(row);
      rows.add(row.inFloat());
    }
    for (long a = 0; a <= 1; a++) {
      for (long b = 0; b <= 1; b++) {
        rows.add(
            op("Gemm")
                .in(a == 0 ? 2 : 3, a == 0 ? 3 : 2)
                .in(b == 0 ? 3 : 4, b == 0 ? 4 : 3)
                .in(4)
                .set("transA", a)
                .set("transB", b)
                .set("alpha", 0.5f)
                .set("beta", 2f));
      }
    }
    rows.addAll(sums());
    rows.add(op("Gemm").in(2, 3).in(3, 4));
    rows.add(op("Gemm").in(2, 3).in(3, 4).in(2, 1));
    rows.add(op("Gemm").in(2, 3).in(3, 4).in());
    return rows;
  }

  private static List<GradientCase> sums() {
    GradientCase sum = op("Einsum").opsets(12, 20);
    return List.of(
        sum.set("equation", "ij,jk->ik").in(2, 3).in(3, 4),
        sum.set("equation", "bhid, bhjd -> bhij").in(2, 2, 3, 4).in(2, 2, 5, 4),
        sum.set("equation", "ij->ji").in(2, 3),
        sum.set("equation", "ij,jk").in(2, 3).in(3, 4),
        sum.set("equation", "ba").in(2, 3),
        sum.set("equation", "ijk->j").in(2, 3, 4),
        sum.set("equation", "ijk,jl->l").in(2, 3, 4).in(3, 2),
        sum.set("equation", "i,i->").in(3).in(3),
        sum.set("equation", "ij->").in(2, 3),
        sum.set("equation", "ia,jb,ab->ij").in(2, 3).in(4, 2).in(3, 2),
        sum.set("equation", "...ij,...jk->...ik").in(2, 1, 3, 4).in(2, 5, 4, 2).shown(),
        sum.set("equation", "...d,d->...").in(2, 3, 4).in(4),
        sum.set("equation", "ij,jk->ik").in(0, 3).in(3, 4).shown());
  }

  private static List<GradientCase> shapes() {
    return List.of(
        op("Reshape").in(2, 6).longs(3, -1),
        op("Reshape").in(2, 6).fed(Shape.of(3), 2, 2, 3),
        op("Reshape").in(0, 3).longs(0, 3, 1),
        op("Flatten").in(2, 3, 2).set("axis", 1),
        op("Flatten").in(2, 3, 2).set("axis", -1),
        op("Squeeze").in(2, 1, 3, 1).ints("axes", 1, -1).opsets(11),
        op("Squeeze").in(2, 1, 3, 1).longs(1, -1).opsets(13, 20),
        op("Squeeze").in(2, 1, 3, 1).opsets(11, 20),
        op("Unsqueeze").in(2, 3).ints("axes", 0, -1).opsets(11),
        op("Unsqueeze").in(2, 3).longs(-1, 0).opsets(13, 20),
        op("Transpose").in(2, 3, 4),
        op("Transpose").in(2, 3, 4).ints("perm", 1, 2, 0),
        op("Expand").in(3, 1).longs(2, 3, 4),
        op("Expand").in(3, 4).fed(Shape.of(3), 2, 3, 1),
        op("Expand").in(1, 1).fed(Shape.of(2), 3, 4),
        op("Tile").in(2, 3).longs(2, 1),
        op("Tile").in(2, 3).fed(Shape.of(2), 2, 3),
        op("Concat").in(2, 3).in(2, 1).in(2, 2).set("axis", 1),
        op("Concat").in(2, 3).in(1, 3).set("axis", -2),
        op("Concat").in(2, 3).in(0, 3).set("axis", 0),
        op("Split").in(5, 2).ints("split", 2, 3).outputs(2).opsets(11),
        op("Split").in(4, 2).set("axis", 0).outputs(2).opsets(11, 13),
        op("Split").in(2, 5).longs(1, 4).set("axis", -1).outputs(2).opsets(13, 20),
        op("Split").in(2, 5).set("num_outputs", 2).set("axis", 1).outputs(2).opsets(18, 20),
        op("Trilu").in(3, 3).set("upper", 0).opsets(14, 20),
        op("Trilu").in(2, 3, 4).longs(SCALAR, 1).opsets(14, 20));
  }

  private static List<GradientCase> pads() {
    return List.of(
        op("Pad").in(2, 3).longs(1, 0, 0, 2),
        op("Pad").in(2, 3).longs(0, -1, 2, 1).frozen(SCALAR, 1),
        op("Pad").in(2, 3).fed(Shape.of(4), 1, -1, 0, 2).in(),
        op("Pad").in(2, 3, 4).longs(2, 1).in().longs(-2).opsets(18, 20),
        op("Pad").in(2, 3).longs(1, 2, 0, 1).set("mode", "edge"),
        op("Pad").in(2, 3).fed(Shape.of(4), 1, 2, 0, 1).set("mode", "edge"),
        op("Pad").in(3, 4).longs(0, 3, 2, 1).set("mode", "reflect"),
        op("Pad").in(2, 3, 4).longs(2, 3).absent().longs(-1).set("mode", "reflect").opsets(18, 20),
        op("Pad").in(2, 3).longs(1, 2, 0, 3).set("mode", "wrap").opsets(19, 20),
        op("Pad").in(0, 3).longs(0, 1, 0, 2).in().shown());
  }

  private static List<GradientCase> indices() {
    Shape pairs = Shape.of(3, 2);
    return List.of(
        op("Gather").in(4, 3).longs(SCALAR, 1),
        op("Gather").in(2, 4, 3).longs(SCALAR, -1).set("axis", 1),
        op("Gather").in(2, 4, 3).longs(0).set("axis", 1),
        op("Gather").in(4, 3).longs(1, 1, -1),
        op("Gather").in(4, 3).fed(Shape.of(2, 2), 1, 1, 0, -1),
        op("Gather").in(2, 4, 3).fed(Shape.of(3), 2, 0, 2).set("axis", 1),
        op("Gather").in(2, 3, 4).fed(Shape.of(2, 2), 2, 0, 2, 1).set("axis", -1),
        op("Gather").in(4).fed(SCALAR, 2),
        op("Gather").in(4, 3).fed(Shape.of(0)),
        op("GatherElements").in(2, 3).fed(Shape.of(2, 2), 0, 0, 2, -1).set("axis", 1),
        op("GatherElements").in(3, 4).fed(Shape.of(2, 3), 1, 1, 0, -1, 0, 2),
        op("GatherElements").in(2, 3, 2).fed(Shape.of(1, 2, 2), 2, 0, 2, 1).set("axis", -2),
        op("GatherElements").in(2, 3).fed(Shape.of(2, 0)).set("axis", 1),
        op("GatherND").in(2, 3).fed(pairs, 0, 1, 1, -1, 0, 1),
        op("GatherND").in(3, 4).fed(Shape.of(2, 2, 1), 0, 2, 2, -1),
        op("GatherND").in(2, 3, 4).fed(Shape.of(2, 1), 2, 0).set("batch_dims", 1).opsets(12, 20),
        op("GatherND")
            .in(2, 3, 4)
            .fed(Shape.of(2, 3, 2, 1), 2, 0, 1, 1, 3, 2, 0, 0, 1, 2, 3, 3)
            .set("batch_dims", 2)
            .opsets(12, 20),
        op("GatherND").in(2, 3).fed(Shape.of(0, 1)).opsets(16, 20),
        op("Slice").in(4, 5).longs(1).longs(3),
        op("Slice").in(4, 5).longs(0, -3).longs(2, 100).longs(0, 1),
        op("Slice").in(4, 5).longs(-1).longs(-4).longs(1).longs(-1),
        op("Slice").in(4, 5).longs(0, 1).longs(4, 5).longs(-2, -1).longs(2, 3),
        op("Slice").in(4, 5).fed(Shape.of(1), -4).fed(Shape.of(1), -1).longs(1),
        op("Slice").in(4, 5).longs(7).longs(9).longs(1).shown(),
        op("TopK").in(2, 5).longs(2).withIdleOutput(),
        op("TopK").in(4, 2).longs(3).set("axis", 0).set("largest", 0).withIdleOutput(),
        op("ScatterND").in(4, 3).fed(Shape.of(2, 1), 2, 0).in(2, 3),
        op("ScatterND").in(4, 3).fed(pairs, 2, 0, 1, -1, 0, 0).in(3),
        op("ScatterND")
            .in(4)
            .fed(Shape.of(3, 1), 2, 0, 2)
            .in(3)
            .set("reduction", "add")
            .opsets(16, 20),
        op("ScatterND").in(4, 3).fed(Shape.of(0, 1)).in(0, 3),
        op("ScatterElements").in(3, 4).fed(Shape.of(2, 3), 1, 2, 0, -1, 0, 2).in(2, 3),
        op("ScatterElements").in(2, 4).fed(Shape.of(2, 2), 3, 0, 1, -2).in(2, 2).set("axis", -1),
        op("ScatterElements")
            .in(3, 4)
            .fed(Shape.of(2, 3), 1, 2, 0, 1, 0, 0)
            .in(2, 3)
            .set("reduction", "add")
            .opsets(16, 20),
        op("ScatterElements").in(3, 4).fed(Shape.of(0, 3)).in(0, 3));
  }

  private static List<GradientCase> reductions() {
    List<GradientCase> rows = new ArrayList<>();
    for (String name :
        List.of(
            "ReduceSum",
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceL1",
            "ReduceL2",
            "ReduceSumSquare",
            "ReduceLogSum",
            "ReduceLogSumExp")) {
      double low = name.equals("ReduceLogSum") ? 0.5 : -2;
      int since = name.equals("ReduceSum") ? 13 : 18;
      GradientCase old = name.equals("ReduceSum") ? op(name).opsets(11) : op(name).opsets(11, 13);
      rows.add(op(name).in(2, 3).range(low, 2));
      rows.add(op(name).in(2, 3).range(low, 2).set("keepdims", 0));
      rows.add(old.in(2, 3, 4).range(low, 2).ints("axes", -1));
      rows.add(old.in(2, 3, 4).range(low, 2).ints("axes", 1, 0).set("keepdims", 0));
      rows.add(
          op(name).in(2, 3, 4).range(low, 2).longs(-1, 0).set("keepdims", 0).opsets(since, 20));
      rows.add(op(name).in(2, 3, 4).range(low, 2).longs(1).opsets(since, 20));
      rows.add(
          op(name).in(2, 3).range(low, 2).longs().set("noop_with_empty_axes", 1).opsets(since, 20));
    }
    for (long reverse = 0; reverse <= 1; reverse++) {
      for (long exclusive = 0; exclusive <= 1; exclusive++) {
        GradientCase sum = op("CumSum").set("reverse", reverse).set("exclusive", exclusive);
        rows.add(sum.in(2, 3).longs(SCALAR, 1));
        rows.add(sum.in(2, 3, 2).longs(SCALAR, -2));
      }
    }
    rows.add(op("CumSum").in(0, 3).longs(SCALAR, 1));
    rows.add(op("ReduceSum").in(0, 3).set("keepdims", 0).longs(0).opsets(13, 20));
    return rows;
  }

  private static List<GradientCase> normalizations() {
    return List.of(
        op("Softmax").in(2, 3, 4),
        op("Softmax").in(2, 3, 4).set("axis", -1),
        op("Softmax").in(2, 3, 4).set("axis", 0),
        op("LogSoftmax").in(2, 3, 4),
        op("LogSoftmax").in(2, 3, 4).set("axis", 2),
        op("LayerNormalization").in(2, 3, 4).in(4).in(4).opsets(17, 20),
        op("LayerNormalization").in(2, 3, 4).in(3, 4).set("axis", 1).opsets(17, 20),
        op("LayerNormalization").in(2, 3, 4).in(4).in(4).opsets(17, 20).inFloat(),
        op("LayerNormalization").in(0, 3, 4).in(4).in(4).opsets(17, 20).shown(),
        op("RMSNormalization").in(2, 3, 4).in(4).opsets(23).inFloat(),
        op("RMSNormalization").in(2, 3, 4).in(3, 4).set("axis", 1).opsets(23).inFloat(),
        op("RMSNormalization").in(2, 3, 4).in(1).set("epsilon", 0.1f).opsets(23).inFloat(),
        op("RMSNormalization").in(0, 3).in(3).opsets(23).inFloat().shown(),
        op("SimplifiedLayerNormalization").in(2, 3, 4).in(4).inFloat(),
        op("SimplifiedLayerNormalization").in(2, 3).in(3).set("epsilon", 0.1f),
        op("SimplifiedLayerNormalization").in(0, 3).in(3).inFloat().shown(),
        op("LpNormalization").in(2, 3, 4),
        op("LpNormalization").in(2, 3, 4).range(0.1, 2).set("p", 1).set("axis", 1),
        op("LpNormalization").in(2, 3, 4).range(-2, -0.1).set("p", 1));
  }

  private static List<GradientCase> losses() {
    GradientCase plain = op("SoftmaxCrossEntropyLoss").opsets(13, 20).inFloat();
    Shape two = Shape.of(2);
    return List.of(
        plain.in(2, 3).fed(two, 2, 0),
        plain.in(2, 3).fed(two, 2, 0).set("reduction", "sum"),
        plain.in(2, 3).fed(two, 2, 0).set("reduction", "none"),
        plain.in(2, 3).fed(two, 2, -100).set("ignore_index", -100),
        plain.in(2, 3).fed(two, 2, 0).frozen(Shape.of(3), 1, 2, 3),
        plain.in(2, 3, 2).fed(Shape.of(2, 2), 2, 0, 1, 1),
        plain
            .in(2, 3, 2)
            .fed(Shape.of(2, 2), 2, -1, 1, 1)
            .frozen(Shape.of(3), 1, 2, 3)
            .set("ignore_index", -1),
        op("NegativeLogLikelihoodLoss").opsets(13, 20).inFloat().in(2, 3).fed(two, 2, 0));
  }

  /** Operators of which no row above has an empty input. */
  private static List<GradientCase> nothing() {
    List<GradientCase> rows = new ArrayList<>();
    for (String name : List.of("Neg", "Abs", "Sqrt", "Reciprocal", "Exp", "Log", "Tan", "Atan")) {
      rows.add(op(name).in(0, 3).inFloat().opsets(11, 20));
    }
    for (String name : List.of("Identity", "Sin", "Cos", "Erf", "Tanh", "Sigmoid", "Dropout")) {
      rows.add(op(name).in(2, 0).inFloat().opsets(11, 20));
    }
    for (String name : List.of("Sub", "Mul", "Div", "Pow", "Sum", "Mean", "Min", "Max")) {
      rows.add(op(name).in(0, 3).in(3).inFloat().opsets(12, 20).shown());
    }
    for (String name : List.of("Softmax", "LogSoftmax", "LpNormalization")) {
      rows.add(op(name).in(0, 3).opsets(13, 20));
    }
    for (GradientCase row : reductions()) {
      if (!row.op().equals("CumSum") && row.attributes().isEmpty()) {
        rows.add(op(row.op()).in(0, 3).ints("axes", 1).opsets(11));
      }
    }
    rows.addAll(
        List.of(
            op("Cast").in(0, 3).set("to", 1).inFloat(),
            op("CastLike").in(0, 3).frozen(Shape.of(1), 1).opsets(15, 20),
            op("Where").truth(Shape.of(2, 1), true, false).in(2, 0).in(0).shown(),
            op("Clip").in(0, 3).frozen(SCALAR, -1).opsets(12, 20),
            op("Gemm").in(0, 3).in(3, 4).in(4).shown(),
            op("Flatten").in(0, 3, 2).opsets(14, 20).shown(),
            op("Squeeze").in(0, 1).longs(1).opsets(13, 20),
            op("Unsqueeze").in(0, 3).longs(1).opsets(13, 20),
            op("Transpose").in(0, 3),
            op("Expand").in(0, 1).longs(2, 0, 3).shown(),
            op("Tile").in(0, 3).longs(2, 1).opsets(14, 20).shown(),
            op("Split").in(0, 4).longs(1, 3).set("axis", 1).outputs(2).opsets(13, 20).shown(),
            op("Trilu").in(0, 3, 3).opsets(14, 20),
            op("Slice").in(0, 5).longs(1).longs(3).longs(1).shown(),
            op("NegativeLogLikelihoodLoss")
                .in(0, 3)
                .fed(Shape.of(0))
                .set("reduction", "sum")
                .inFloat()
                .opsets(13, 20),
            op("ConvTranspose").in(0, 3, 4).weight(3, 2, 3).weight(2).inFloat().shown(),
            op("GlobalMaxPool").in(0, 3, 4).inFloat().shown(),
            op("Resize")
                .in(0, 4)
                .absent()
                .frozen(Shape.of(2), 1, 2)
                .inFloat()
                .opsets(13, 20)
                .shown()));
    return rows;
  }
}
