package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;

/**
 * A product with a weight {@code [in, out]} of 4-bit numbers that {@code DequantizeLinear} makes
 * float becomes {@code MatMulNBits}, which keeps the weight in 4 bits, forward and backward. Its
 * scales are one for each block of inputs of a column; fewer are repeated.
 */
final class LowerFourBits implements LoweringRule {
  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final OpId PRODUCT = OpId.microsoft("MatMulNBits");

  /** Where one scale holds for a whole column, its blocks can have any size. */
  private static final int ANY_BLOCK = 32;

  private static final int SMALLEST_BLOCK = 16;
  private static final int LARGEST_BLOCK = 256;

  /** Signed numbers begin at -8, those of {@code MatMulNBits} at 0. */
  private static final int MIDDLE = 8;

  @Override
  public List<OpId> operators() {
    return List.of(OpId.onnx("MatMul"));
  }

  @Override
  public boolean fits(Node node) {
    return node.input(1).producer().filter(LowerFourBits::isWeight).isPresent();
  }

  /** A weight that {@code MatMulNBits} has a form for. */
  private static boolean isWeight(Node maker) {
    if (!isFourBits(maker) || maker.input(0).knownType().rank() != 2) {
      return false;
    }
    long axis = maker.intAttribute("axis", 1);
    boolean alongInputs = axis == 0 || axis == -2;
    long block = maker.intAttribute("block_size", 0);
    if (maker.input(1).constant().orElseThrow().shape().elements() == 1) {
      return true;
    }
    return block == 0
        ? !alongInputs
        : alongInputs
            && Long.bitCount(block) == 1
            && block >= SMALLEST_BLOCK
            && block <= LARGEST_BLOCK;
  }

  /** A {@code DequantizeLinear} of a constant in 4 bits. */
  static boolean isFourBits(Node node) {
    return node.op().is("DequantizeLinear")
        && node.inputs().stream().allMatch(input -> input.isConstant() || input.isNone())
        && node.input(0).knownType().dtype().bits() == 4
        && node.input(1).knownType().dtype() == DType.FLOAT;
  }

  /** A weight in 4 bits with no such form becomes float. */
  static final class OtherWeight implements LoweringRule {
    private final DequantizeConstant float32 = new DequantizeConstant();

    @Override
    public List<OpId> operators() {
      return float32.operators();
    }

    @Override
    public boolean fits(Node node) {
      return isFourBits(node) && !(isWeight(node) && onlyMultiplies(node.output()));
    }

    private static boolean onlyMultiplies(Value weight) {
      return weight.users().stream()
          .allMatch(user -> user.op().is("MatMul") && user.input(1) == weight);
    }

    @Override
    public void rewrite(LoweringContext c) {
      float32.rewrite(c);
    }
  }

  @Override
  public void rewrite(LoweringContext c) {
    Node maker = c.in(1).producer().orElseThrow();
    Weight weight = new Weight(ScaledNumbers.of(maker));
    String name = maker.input(0).name();
    Value packed = c.shared(List.of(name, "packed"), () -> c.addConstant(weight.packed(name)));
    Value scales = c.shared(List.of(name, "scales"), () -> c.addConstant(weight.scales(name)));
    Value zeros = c.shared(List.of(name, "zeros"), () -> c.addConstant(weight.zeroPoints(name)));
    Map<String, Attribute> settings =
        Map.of(
            "K", Attribute.of(weight.in()),
            "N", Attribute.of(weight.out()),
            "bits", Attribute.of(4L),
            "block_size", Attribute.of(weight.block()));
    Value product = c.op(PRODUCT, settings, c.in(0), packed, scales, zeros);
    product.producer().orElseThrow().setMetadata(c.node().metadata());
    c.output(0, product);
  }

  /** The weight turned, in blocks of inputs. */
  private record Weight(ScaledNumbers source) {
    long in() {
      return source.numbers().shape().dim(0);
    }

    long out() {
      return source.numbers().shape().dim(1);
    }

    long block() {
      return source.block() >= SMALLEST_BLOCK ? source.block() : ANY_BLOCK;
    }

    long blocks() {
      return Math.ceilDiv(in(), block());
    }

    private int shifted(int number) {
      return source.numbers().type() == DType.INT4 ? number + MIDDLE : number;
    }

    private long place(long column, long block) {
      return source.place(block * block() * out() + column);
    }

    /** {@code [out, blocks, bytes of a block]}, the first of two numbers in the low half. */
    Tensor packed(String name) {
      Tensor result =
          ScratchTensors.zeros(
              name + "/packed", DType.UINT8, Shape.of(out(), blocks(), block() / 2));
      for (long column = 0; column < out(); column++) {
        long row = column * blocks() * block();
        for (long i = 0; i < in(); i++) {
          put(result, row + i, shifted(source.numbers().smallNumber(i * out() + column)));
        }
      }
      return result;
    }

    /** {@code [out, blocks]}. */
    Tensor scales(String name) {
      Tensor result =
          ScratchTensors.zeros(name + "/scales", DType.FLOAT, Shape.of(out(), blocks()));
      for (long column = 0; column < out(); column++) {
        for (long block = 0; block < blocks(); block++) {
          float scale = source.scale(place(column, block));
          result.data().setAtIndex(FLOATS, column * blocks() + block, scale);
        }
      }
      return result;
    }

    /** {@code [out, bytes]}: a column begins a new byte. */
    Tensor zeroPoints(String name) {
      long bytes = Math.ceilDiv(blocks(), 2);
      Tensor result = ScratchTensors.zeros(name + "/zeros", DType.UINT8, Shape.of(out(), bytes));
      for (long column = 0; column < out(); column++) {
        for (long block = 0; block < blocks(); block++) {
          int zero = shifted(source.zeroPoint(place(column, block)));
          put(result, column * bytes * 2 + block, zero);
        }
      }
      return result;
    }

    private static void put(Tensor tensor, long index, int number) {
      int octet = tensor.data().get(ValueLayout.JAVA_BYTE, index / 2);
      octet |= number << (index % 2 * 4);
      tensor.data().set(ValueLayout.JAVA_BYTE, index / 2, (byte) octet);
    }
  }
}
