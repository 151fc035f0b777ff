package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import java.util.List;

/**
 * A weight of 8 or 4 bits that {@code DequantizeLinear} makes float: with one scale, one for each
 * slice of an axis, or one for each block of an axis.
 */
final class DequantizeConstant implements LoweringRule {
  @Override
  public List<OpId> operators() {
    return List.of(OpId.onnx("DequantizeLinear"));
  }

  @Override
  public boolean fits(Node node) {
    return node.inputs().stream().allMatch(input -> input.isConstant() || input.isNone())
        && node.input(1).knownType().dtype() == DType.FLOAT
        && isSmall(node.input(0).knownType().dtype());
  }

  private static boolean isSmall(DType type) {
    return type == DType.INT8 || type == DType.UINT8 || type == DType.INT4 || type == DType.UINT4;
  }

  @Override
  public void rewrite(LoweringContext c) {
    c.output(0, c.addConstant(ScaledNumbers.of(c.node()).dequantized()));
  }
}
