package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.blockwise.NumberMatrix;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Optional;

/** A product with a quantized weight becomes one with the float weight. */
final class DequantizeMatMulNBits implements LoweringRule {
  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("MatMulNBits"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.requireFloat(c.in(0));
    c.requireAbsent(4, "g_idx");
    Node node = c.node();
    Tensor packed = c.constant(1, "B");
    Tensor scales = c.constant(2, "scales");
    Optional<Tensor> zeroPoints =
        c.in(3).isNone() ? Optional.empty() : Optional.of(c.constant(3, "zero_points"));
    var layout =
        new NumberMatrix.Layout(
            node.intAttribute("N", 0),
            node.intAttribute("K", 0),
            Math.toIntExact(node.intAttribute("bits", 4)),
            node.intAttribute("block_size", 32));
    Value weight =
        c.shared(
            List.of("dequantized columns", c.in(1)),
            () ->
                c.addConstant(
                    new NumberMatrix(packed, scales, zeroPoints, layout)
                        .fillTransposed(
                            ScratchTensors.zeros(
                                packed.name() + "/dequantized",
                                DType.FLOAT,
                                Shape.of(layout.width(), layout.rows())))));
    c.output(0, c.plus(c.linear(c.in(0), weight), c.in(5)));
  }
}
