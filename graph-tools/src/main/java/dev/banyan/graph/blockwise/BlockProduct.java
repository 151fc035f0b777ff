package dev.banyan.graph.blockwise;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The operators that multiply by a stored weight: {@code MatMulBnb4} by one of codes, {@code
 * MatMulNBits} by one of numbers. Both compute {@code x Wᵀ} of {@code [out, in]}.
 */
public final class BlockProduct {
  private static final OpId CODES = OpId.microsoft("MatMulBnb4");
  private static final OpId NUMBERS = OpId.microsoft("MatMulNBits");

  private BlockProduct() {}

  /** True for a product with a weight in few bits. */
  public static boolean isOne(Node node) {
    return node.op().equals(CODES) || node.op().equals(NUMBERS);
  }

  /** The operator for a stored weight. */
  public static OpId operator(BlockMatrix weight) {
    return switch (weight) {
      case CodeMatrix _ -> CODES;
      case NumberMatrix _ -> NUMBERS;
    };
  }

  /** The operator's settings for a stored weight. */
  public static Map<String, Attribute> settings(BlockMatrix weight) {
    Map<String, Attribute> settings = new HashMap<>();
    settings.put("N", Attribute.of(weight.rows()));
    settings.put("K", Attribute.of((long) weight.columns()));
    switch (weight) {
      case CodeMatrix(Tensor _, Tensor _, CodeMatrix.Layout layout) -> {
        settings.put("block_size", Attribute.of(layout.block()));
        settings.put("quant_type", Attribute.of(layout.codes().quantType()));
        settings.put("transB", Attribute.of(1L));
      }
      case NumberMatrix(Tensor _, Tensor _, Optional<Tensor> _, NumberMatrix.Layout layout) -> {
        settings.put("block_size", Attribute.of(layout.block()));
        settings.put("bits", Attribute.of((long) layout.bits()));
      }
    }
    return settings;
  }

  /**
   * The stored weight of a node; empty if the node is another operator, or its weight is no
   * constant or of a kind that is not known here.
   */
  public static Optional<BlockMatrix> weightOf(Node node) {
    Optional<Tensor> packed = node.input(1).constant();
    if (packed.isEmpty() || packed.get().type() != DType.UINT8) {
      return Optional.empty();
    }
    if (node.op().equals(CODES)) {
      return codes(node, packed.get());
    }
    boolean inOrder = node.input(4).isNone() && constantOrNone(node, 2) && constantOrNone(node, 3);
    return node.op().equals(NUMBERS) && inOrder
        ? Optional.of(numbers(node, packed.get()))
        : Optional.empty();
  }

  private static boolean constantOrNone(Node node, int input) {
    return node.input(input).isNone() || node.input(input).isConstant();
  }

  private static Optional<BlockMatrix> codes(Node node, Tensor packed) {
    var layout =
        new CodeMatrix.Layout(
            node.intAttribute("N", 0),
            node.intAttribute("K", 0),
            node.intAttribute("block_size", 64),
            Bnb4Codes.of(node.intAttribute("quant_type", 1)));
    return node.input(2)
        .constant()
        .or(() -> SmallMagnitudes.behind(node.input(2)).map(SmallMagnitudes::restored))
        .filter(magnitudes -> magnitudes.type() == DType.FLOAT)
        .map(magnitudes -> new CodeMatrix(packed, magnitudes, layout));
  }

  private static NumberMatrix numbers(Node node, Tensor packed) {
    var layout =
        new NumberMatrix.Layout(
            node.intAttribute("N", 0),
            node.intAttribute("K", 0),
            Math.toIntExact(node.intAttribute("bits", 4)),
            node.intAttribute("block_size", 32));
    return new NumberMatrix(
        packed, node.input(2).constant().orElseThrow(), node.input(3).constant(), layout);
  }
}
