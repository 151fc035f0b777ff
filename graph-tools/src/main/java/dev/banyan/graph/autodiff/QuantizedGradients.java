package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientRule.NO_GRADIENT;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.GraphFailure.NotDifferentiable;
import dev.banyan.graph.blockwise.Bnb4Codes;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Products with frozen quantized weights: {@code dX = dY · W}, with W dequantized where the
 * backward pass needs it and not before.
 *
 * <p>A weight is read through row numbers that are counted by the gradient at hand. So ONNX Runtime
 * can neither fold the dequantized weight into a constant when it loads the graph, nor compute it
 * before its turn: one such weight is in memory at a time.
 */
public final class QuantizedGradients {
  /** The table. */
  public static final GradientRules RULES =
      GradientRules.table()
          .shaped(
              "com.microsoft.MatMulNBits",
              QuantizedGradients::matMulNBits,
              NO_GRADIENT,
              NO_GRADIENT,
              NO_GRADIENT,
              NO_GRADIENT,
              NO_GRADIENT)
          .shaped(
              "com.microsoft.MatMulBnb4", QuantizedGradients::matMulBnb4, NO_GRADIENT, NO_GRADIENT)
          .nonDifferentiable("com.microsoft.GatherBlockQuantized", "DequantizeLinear")
          .build();

  private static final OpId DEQUANTIZE_ROWS = OpId.microsoft("GatherBlockQuantized");

  private QuantizedGradients() {}

  /**
   * Its weight is {@code [out, blocks, bytes of a block]}, which as {@code [out, bytes of a row]}
   * is what {@code GatherBlockQuantized} reads.
   */
  private static Value matMulNBits(GradientContext c) {
    long in = c.node().intAttribute("K", 0);
    long out = c.node().intAttribute("N", 0);
    long bits = c.node().intAttribute("bits", 4);
    long block = c.node().intAttribute("block_size", 32);
    long blocks = Math.ceilDiv(in, block);
    requireKernel(c, bits);
    Value rows = rows(c);
    Value packed = c.op("Gather", c.in(1), rows);
    Value weight =
        c.ops(
                DEQUANTIZE_ROWS,
                Map.of(
                    "bits", Attribute.of(bits),
                    "block_size", Attribute.of(block),
                    "gather_axis", Attribute.of(0L),
                    "quantize_axis", Attribute.of(1L)),
                1,
                inputs(
                    c.reshape(packed, c.longs(out, blocks * block * bits / 8)),
                    rows,
                    matrix(c, c.in(2), out, blocks),
                    matrix(c, c.in(3), out, Math.ceilDiv(blocks * bits, 8L))))
            .getFirst();
    Value whole =
        blocks * block == in ? weight : c.op("Slice", weight, c.longs(0), c.longs(in), c.longs(1));
    return c.op("MatMul", c.dy(), whole);
  }

  /** Its weight is {@code [out, in]}, two codes a byte, in blocks that may span rows. */
  private static Value matMulBnb4(GradientContext c) {
    long in = c.node().intAttribute("K", 0);
    long out = c.node().intAttribute("N", 0);
    long block = c.node().intAttribute("block_size", 64);
    if (in % 2 != 0 || in * out % block != 0 || c.node().intAttribute("transB", 1) == 0) {
      throw refuse(c, "is no whole number of bytes and blocks, or is not turned (transB)");
    }
    long kind = c.node().intAttribute("quant_type", 1);
    Value pairs =
        c.constant(
            Tensor.ofFloats(
                "banyan/bnb4(" + kind + ")", Shape.of(256, 2), Bnb4Codes.of(kind).pairs()));
    Value octets = c.reshape(c.in(1), c.concat(List.of(rowCount(c), c.longs(in / 2))));
    Value fractions = c.op("Gather", inTypeOf(c, pairs), c.cast(octets, DType.INT32));
    Value blocks = c.reshape(fractions, c.longs(in * out / block, block));
    Value magnitudes = c.reshape(c.in(2), c.longs(in * out / block, 1));
    return c.op("MatMul", c.dy(), c.reshape(c.mul(blocks, magnitudes), c.longs(out, in)));
  }

  private static Value inTypeOf(GradientContext c, Value floats) {
    return c.dtype() == DType.FLOAT ? floats : c.cast(floats, c.dtype());
  }

  /**
   * A weight {@code [in, out]} that {@code DequantizeLinear} makes of a constant, made anew for the
   * backward pass: else it would be kept from the forward pass on. Any other weight is as it was.
   */
  static Value fresh(GradientContext c, Value weight) {
    Node maker = weight.producer().orElse(null);
    if (maker == null
        || !maker.op().is("DequantizeLinear")
        || !maker.input(0).isConstant()
        || c.rank(weight) != 2) {
      return weight;
    }
    long in = maker.input(0).constant().orElseThrow().shape().dim(0);
    Value numbers = c.reshape(maker.input(0), c.concat(List.of(c.longs(in), rowCount(c))));
    List<Value> inputs = new ArrayList<>(maker.inputs());
    inputs.set(0, numbers);
    return c.op("DequantizeLinear", maker.attributes(), inputs.toArray(Value[]::new));
  }

  /** The size of the last axis of the gradient, int64 {@code [1]}, found while the graph runs. */
  private static Value rowCount(GradientContext c) {
    return c.op("Gather", c.op("Shape", c.dy()), c.longs(c.rank(c.out()) - 1L));
  }

  private static Value[] inputs(Value packed, Value rows, Value scales, Value zeroPoints) {
    return zeroPoints.isNone()
        ? new Value[] {packed, rows, scales}
        : new Value[] {packed, rows, scales, zeroPoints};
  }

  private static Value matrix(GradientContext c, Value value, long rows, long columns) {
    return value.isNone() || c.rank(value) == 2 ? value : c.reshape(value, c.longs(rows, columns));
  }

  /** The numbers of the weight's rows, counted along the last axis of the gradient. */
  private static Value rows(GradientContext c) {
    Value last = c.whole(c.rank(c.out()) - 1L);
    Value count = c.op("Gather", c.op("Shape", c.dy()), last);
    return c.op("Range", c.whole(0), count, c.whole(1));
  }

  private static void requireKernel(GradientContext c, long bits) {
    if (bits != 4 && bits != 8) {
      throw refuse(c, "has bits = " + bits + "; 4 and 8 are done");
    }
    if (!c.in(3).isNone() && c.type(c.in(3)).dtype().isFloatingPoint()) {
      throw refuse(c, "has zero points that are no whole numbers");
    }
    if (!c.in(4).isNone()) {
      throw refuse(c, "has its columns in another order (g_idx)");
    }
  }

  private static NotDifferentiable refuse(GradientContext c, String seen) {
    return new NotDifferentiable(
        "The quantized weight of node '%s' %s; prepare with dequantized weights"
            .formatted(c.node().name(), seen));
  }
}
