package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * An 8-bit weight that {@code DequantizeLinear} makes float: with one scale, one for each slice of
 * an axis, or one for each block of an axis.
 */
final class DequantizeConstant implements LoweringRule {
  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @Override
  public List<OpId> operators() {
    return List.of(OpId.onnx("DequantizeLinear"));
  }

  @Override
  public boolean fits(Node node) {
    return node.inputs().stream().allMatch(input -> input.isConstant() || input.isNone())
        && node.input(1).knownType().dtype() == DType.FLOAT
        && (node.input(0).knownType().dtype() == DType.INT8
            || node.input(0).knownType().dtype() == DType.UINT8);
  }

  @Override
  public void rewrite(LoweringContext c) {
    Tensor numbers = c.constant(0, "x");
    Tensor result =
        ScratchTensors.zeros(numbers.name() + "/dequantized", DType.FLOAT, numbers.shape());
    Steps steps = Steps.of(c, numbers);
    boolean signed = numbers.type() == DType.INT8;
    for (long i = 0; i < numbers.shape().elements(); i++) {
      long at = steps.index(i);
      int zero = c.in(2).isNone() ? 0 : number(c.constant(2, "x_zero_point"), at, signed);
      float scale = c.constant(1, "x_scale").data().getAtIndex(FLOATS, at);
      result.data().setAtIndex(FLOATS, i, (number(numbers, i, signed) - zero) * scale);
    }
    c.output(0, c.addConstant(result));
  }

  private static int number(Tensor tensor, long index, boolean signed) {
    byte octet = tensor.data().get(ValueLayout.JAVA_BYTE, index);
    return signed ? octet : octet & 0xff;
  }

  /**
   * Where the scale of an element is.
   *
   * @param inner elements of a slice of the axis
   * @param size of the axis
   * @param block how many slices share a scale
   * @param scales how many scales the axis has
   * @param each false if there is one scale for all
   */
  private record Steps(long inner, long size, long block, long scales, boolean each) {
    static Steps of(LoweringContext c, Tensor numbers) {
      Tensor scale = c.constant(1, "x_scale");
      int rank = numbers.shape().rank();
      if (scale.shape().elements() == 1) {
        return new Steps(1, 1, 1, 1, false);
      }
      long axis = c.node().intAttribute("axis", 1);
      int at = (int) (axis < 0 ? axis + rank : axis);
      long inner = 1;
      for (int i = at + 1; i < rank; i++) {
        inner *= numbers.shape().dim(i);
      }
      long block = Math.max(1, c.node().intAttribute("block_size", 0));
      long size = numbers.shape().dim(at);
      return new Steps(inner, size, block, Math.ceilDiv(size, block), true);
    }

    /** With blocks the scales have all axes, without them only the one. */
    long index(long element) {
      if (!each) {
        return 0;
      }
      long slice = element / inner % size / block;
      return block == 1
          ? slice
          : (element / inner / size * scales + slice) * inner + element % inner;
    }
  }
}
