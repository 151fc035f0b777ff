package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.autodiff.Detached;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Weight-decomposed low-rank adaptation (Liu et al., 2024, arXiv:2402.09353): LoRA changes where
 * the weight of each output points, a learned magnitude says how long it is. With {@code V = W +
 * scaling A B} a linear layer {@code y = x W} becomes {@code y = (x V) m / n}, where n are the
 * lengths of the columns of V.
 *
 * <p>As in the paper's section 4.3 and in PEFT no gradient flows through n, which changes with A
 * and B all the same. It costs no product of A and B: {@code n² = |W|² + 2 Σ (A'W)(sB) + Σ (A'A
 * sB)(sB)}, summed along the rank, where {@code A'W} is the layer's own node applied to the columns
 * of A, whatever form its weight has; {@code |W|} is an input that stays as it starts.
 *
 * <p>A bank has {@code m / n - 1}, which whoever loads an adapter computes once.
 */
public record Dora() implements MergeableMethod {
  /** A column of nothing but zeros has the length 0, and its products are 0 whatever m says. */
  private static final float TINY = 1e-30f;

  @Override
  public MethodName name() {
    return MethodName.DORA;
  }

  @Override
  public List<ParameterSpec> parameters(Site site) {
    String in = Long.toString(site.inFeatures());
    String out = Long.toString(site.outFeatures());
    String path = site.path();
    ParameterSpec magnitude =
        ParameterSpec.of(name(), path + ".dora_magnitude", List.of(out), Initializer.BASE_NORM);
    return List.of(
        ParameterSpec.of(
                name(),
                path + ".dora_A",
                List.of(in, ParameterSpec.RANK),
                Initializer.KAIMING_UNIFORM)
            .stored(path + ".lora_A.weight", Layout.TRANSPOSED)
            .withDecay(),
        ParameterSpec.of(
                name(), path + ".dora_B", List.of(ParameterSpec.RANK, out), Initializer.ZEROS)
            .stored(path + ".lora_B.weight", Layout.TRANSPOSED)
            .withDecay()
            .withScaling(),
        magnitude.stored(path + ".lora_magnitude_vector", Layout.SAME).withDecay(),
        ParameterSpec.of(name(), path + ".dora_norm", List.of(out), Initializer.BASE_NORM)
            .as(Role.START));
  }

  /** The scaling is part of the lengths, and what makes up for what is dropped must not be. */
  @Override
  public boolean tellsCompensation() {
    return true;
  }

  @Override
  public boolean needsBareProduct() {
    return true;
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    Value a = adapter.parameters().get(0);
    Value b = adapter.parameters().get(1);
    Value magnitude = adapter.parameters().get(2);
    Value small = builder.op("Mul", builder.op("MatMul", adapter.input(), a), adapter.scaling());
    Value delta = builder.op("MatMul", small, b);
    Value lengths = lengths(builder.in(Detached.NAME), site, adapter);
    Value factors = builder.op("Div", magnitude, lengths);
    if (adapter.compensation().isNone()) {
      return builder.op("Mul", builder.op("Add", adapter.own(), delta), factors);
    }
    // As in PEFT, what the factor adds to the layer's own product is of what is left of its input.
    Value left =
        builder.op("Mul", product(builder, site.node(), adapter.input()), adapter.compensation());
    Value adapted = builder.op("Mul", builder.op("Add", left, delta), factors);
    return builder.op("Add", adapter.own(), builder.op("Sub", adapted, left));
  }

  /** The lengths of the columns of the layer's weight with the adapter, {@code [out]}. */
  private static Value lengths(GraphBuilder builder, Site site, OneAdapter adapter) {
    Value a = adapter.parameters().get(0);
    Value scaling =
        adapter.compensation().isNone()
            ? adapter.scaling()
            : builder.op("Div", adapter.scaling(), adapter.compensation());
    Value b = builder.op("Mul", adapter.parameters().get(1), scaling);
    Value norm = adapter.parameters().get(3);
    Value columns = builder.op("Transpose", Map.of("perm", Attribute.ints(1, 0)), a);
    Value both = builder.op("Mul", product(builder, site.node(), columns), builder.scalar(2f));
    Value square = builder.op("MatMul", builder.op("MatMul", columns, a), b);
    Value more = sumOfRows(builder, builder.op("Mul", builder.op("Add", both, square), b));
    Value squares = builder.op("Add", builder.op("Mul", norm, norm), more);
    Value lengths = builder.op("Sqrt", builder.op("Max", squares, builder.scalar(0f)));
    return builder.op("Max", lengths, builder.scalar(TINY));
  }

  /** What the layer makes of other rows. */
  private static Value product(GraphBuilder builder, Node layer, Value rows) {
    List<Value> inputs = new ArrayList<>(layer.inputs());
    inputs.set(0, rows);
    return builder.op(layer.op(), layer.attributes(), inputs.toArray(Value[]::new));
  }

  /** As a product with ones, which every version of the operator set spells alike. */
  private static Value sumOfRows(GraphBuilder builder, Value rows) {
    Value count = builder.op("Gather", builder.op("Shape", rows), builder.longs(0));
    Attribute axis = Attribute.of(0L);
    Value shape = builder.op("Concat", Map.of("axis", axis), builder.longs(1), count);
    Value ones = builder.op("Expand", builder.scalar(1f), shape);
    return builder.op("Reshape", builder.op("MatMul", ones, rows), builder.longs(-1));
  }

  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    Value a = bank.ofEachRow(builder, 0);
    Value b = bank.ofEachRow(builder, 1);
    Value factors = builder.op("Add", bank.ofEachRow(builder, 2), builder.scalar(1f));
    Rows input = Rows.of(builder, site.input(), bank.adapterIds());
    Value delta = builder.op("MatMul", builder.op("MatMul", input.value(), a), b);
    Rows own = Rows.of(builder, bank.own(), bank.adapterIds());
    Value sum = builder.op("Add", own.value(), delta);
    return own.back(builder.op("Mul", sum, own.spread(factors)), site.outFeatures());
  }

  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    LayerWeights sum = new Lora().merge(layer, adapter, allocator);
    float[] factors = adapter.get(2).floats();
    for (int i = 0; i < factors.length; i++) {
      factors[i] += 1;
    }
    boolean byColumn = layer.node().intAttribute("transB", 0) == 0;
    return sum.with(new Scaled(sum.weight(), byColumn).by(factors, allocator));
  }
}
