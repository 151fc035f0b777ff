package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.blockwise.BlockMatrix;
import dev.banyan.graph.blockwise.BlockProduct;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;

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
    BlockMatrix quantized =
        BlockProduct.weightOf(node)
            .orElseThrow(
                () -> c.refuse("the weight " + c.in(1), "it is no UINT8 with constant scales"));
    Value weight =
        c.shared(
            List.of("dequantized columns", c.in(1)),
            () ->
                c.addConstant(
                    quantized.fillTransposed(
                        ScratchTensors.zeros(
                            packed.name() + "/dequantized",
                            DType.FLOAT,
                            Shape.of(quantized.columns(), quantized.rows())))));
    c.output(0, c.plus(c.linear(c.in(0), weight), c.in(5)));
  }
}
