package dev.banyan.graph.lowering;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.OpId;
import dev.banyan.graph.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A product of 8-bit numbers whose input is quantized while the graph runs, as dynamic quantization
 * writes it: {@code DynamicQuantizeLinear}, {@code MatMulInteger}, {@code Cast} and {@code Mul}, or
 * those fused. The weight stays in 8 bits; the input is not rounded any more, which has no
 * gradient.
 */
final class LowerIntegerMatMul implements LoweringRule {
  private static final OpId PLAIN = OpId.onnx("MatMulInteger");
  private static final OpId TO_FLOAT = OpId.microsoft("MatMulIntegerToFloat");
  private static final OpId DYNAMIC = OpId.microsoft("DynamicQuantizeMatMul");

  /**
   * The parts.
   *
   * @param input float, before it is quantized
   * @param scale of the weight: one, or one for each column
   * @param zeroPoint of the weight; may be absent
   * @param bias may be absent
   * @param result what the whole gives
   */
  private record Product(Value input, Value scale, Value zeroPoint, Value bias, Value result) {}

  @Override
  public List<OpId> operators() {
    return List.of(PLAIN, TO_FLOAT, DYNAMIC);
  }

  @Override
  public boolean fits(Node node) {
    return node.input(1).isConstant() && (node.op().equals(DYNAMIC) || source(node).isPresent());
  }

  @Override
  public void rewrite(LoweringContext c) {
    Product product = product(c);
    Value scale = flat(c, product.scale());
    Value zeroPoint = product.zeroPoint().isNone() ? Value.NONE : flat(c, product.zeroPoint());
    boolean each = scale.knownType().rank() == 1;
    if (each && c.opset() < 13) {
      throw c.refuse("a scale for each column", "operator set 13 is needed: export with it");
    }
    Value weight =
        c.op(
            "DequantizeLinear",
            each ? Map.of("axis", Attribute.of(1L)) : Map.of(),
            c.in(1),
            scale,
            zeroPoint);
    c.instead(product.result(), c.plus(c.linear(product.input(), weight), product.bias()));
  }

  private static Product product(LoweringContext c) {
    Node node = c.node();
    if (node.op().equals(DYNAMIC)) {
      return new Product(c.in(0), c.in(2), c.in(3), c.in(4), node.output());
    }
    Value input = source(node).orElseThrow().input(0);
    if (node.op().equals(TO_FLOAT)) {
      return new Product(input, c.in(3), c.in(5), c.in(6), node.output());
    }
    return scaled(c, input);
  }

  /** {@code Mul(Cast(product), Mul(input scale, weight scale))}. */
  private static Product scaled(LoweringContext c, Value input) {
    Node quantizer = source(c.node()).orElseThrow();
    Node cast = only(c, c.node().output(), "Cast");
    Node mul = only(c, cast.output(), "Mul");
    Value factor = mul.input(mul.input(0) == cast.output() ? 1 : 0);
    Node scales =
        factor
            .producer()
            .filter(maker -> maker.op().is("Mul"))
            .orElseThrow(
                () -> c.refuse("the factor '" + factor + "'", "it is no product of scales"));
    Value weightScale = scales.input(scales.input(0) == quantizer.output(1) ? 1 : 0);
    return new Product(input, weightScale, c.in(3), Value.NONE, mul.output());
  }

  private static Node only(LoweringContext c, Value value, String type) {
    List<Node> users = value.users();
    if (users.size() == 1 && users.getFirst().op().is(type)) {
      return users.getFirst();
    }
    throw c.refuse(
        "what reads '" + value + "'", "only a " + type + " is, as dynamic quantization writes it");
  }

  private static Optional<Node> source(Node node) {
    return node.input(0).producer().filter(maker -> maker.op().is("DynamicQuantizeLinear"));
  }

  /** A scale of one element is a scalar for {@code DequantizeLinear}. */
  private static Value flat(LoweringContext c, Value value) {
    var tensor =
        value.constant().orElseThrow(() -> c.refuse("'" + value + "'", "it is no constant"));
    boolean one = tensor.shape().elements() == 1;
    if (value.knownType().dtype() != DType.FLOAT && value.knownType().dtype().isFloatingPoint()) {
      throw c.refuse("'" + value + "' of " + tensor.type(), "only float32 is");
    }
    if (one ? tensor.shape().rank() == 0 : tensor.shape().rank() == 1) {
      return value;
    }
    return c.shared(
        List.of("flat", value),
        () ->
            c.addConstant(
                new Tensor(
                    tensor.name() + "/flat",
                    tensor.type(),
                    one ? Shape.SCALAR : Shape.of(tensor.shape().elements()),
                    tensor.data())));
  }
}
