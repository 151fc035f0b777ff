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

/** A product with a weight of 4-bit floating-point or normal-float codes becomes a float one. */
final class DequantizeMatMulBnb4 implements LoweringRule {
  @Override
  public List<OpId> operators() {
    return List.of(OpId.microsoft("MatMulBnb4"));
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.requireFloat(c.in(0));
    c.requireAttribute("transB", 1);
    Node node = c.node();
    Tensor packed = c.constant(1, "B");
    long quantType = node.intAttribute("quant_type", 1);
    if (quantType != 0 && quantType != 1) {
      throw c.refuse("quant_type = " + quantType, "only 0 (FP4) and 1 (NF4) are");
    }
    BlockMatrix quantized =
        BlockProduct.weightOf(node)
            .orElseThrow(
                () ->
                    c.refuse(
                        "the weight " + c.in(1),
                        "the operator's scales are no floats that are constant"));
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
    c.output(0, c.linear(c.in(0), weight));
  }
}
