package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.blockwise.NumberMatrix;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An embedding from a quantized table becomes one from the float table. */
final class DequantizeGather implements LoweringRule {
  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("GatherBlockQuantized"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    Node node = c.node();
    Tensor packed = c.constant(0, "data");
    Tensor scales = c.constant(2, "scales");
    Optional<Tensor> zeroPoints =
        c.in(3).isNone() ? Optional.empty() : Optional.of(c.constant(3, "zero_points"));
    boolean four = packed.type() == DType.INT4 || packed.type() == DType.UINT4;
    if ((packed.type() != DType.UINT8 && !four) || packed.shape().rank() != 2) {
      throw c.refuse(
          "data of " + packed.type() + packed.shape(), "only UINT8, INT4 and UINT4 matrices are");
    }
    if (scales.type() != DType.FLOAT) {
      throw c.refuse("scales of " + scales.type(), "adapters are trained on float32 models");
    }
    c.requireAttribute("gather_axis", 0);
    long block = node.intAttribute("block_size", 128);
    int bits = Math.toIntExact(node.intAttribute("bits", 4));
    long axis = node.intAttribute("quantize_axis", 1);
    if (axis != 1 && axis != -1) {
      throw c.refuse("quantize_axis = " + axis, "only the last axis is");
    }
    var layout =
        new NumberMatrix.Layout(
            packed.shape().dim(0), packed.shape().dim(1) * (8 / bits), bits, block);
    Value table =
        c.shared(
            List.of("dequantized rows", c.in(0)),
            () ->
                c.addConstant(
                    four
                        ? new ScaledNumbers(packed, scales, zeroPoints, 1, block).dequantized()
                        : new NumberMatrix(packed, scales, zeroPoints, layout)
                            .fill(
                                ScratchTensors.zeros(
                                    packed.name() + "/dequantized",
                                    DType.FLOAT,
                                    Shape.of(layout.rows(), layout.width())))));
    c.output(0, c.op("Gather", Map.of("axis", Attribute.of(0L)), table, c.in(1)));
  }
}
