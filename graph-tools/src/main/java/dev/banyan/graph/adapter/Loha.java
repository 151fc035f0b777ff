package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * LoHa (Hyeon-Woo et al., 2021, arXiv:2108.06098, FedPara): what is added to a layer's weight is
 * the product, element by element, of two products of thin matrices, {@code (B1 A1) o (B2 A2)} with
 * B of {@code [in, rank]} and A of {@code [rank, out]}, times the scaling. As in PEFT.
 *
 * <p>That is one product of rank {@code rank * rank}, whose factors are the products of every
 * column of B1 with every column of B2, and of every row of A1 with every row of A2. A weight of
 * {@code [in, out]} for each text is never made.
 */
public record Loha() implements MergeableMethod {
  @Override
  public MethodName name() {
    return MethodName.LOHA;
  }

  /** A1, B1, A2, B2. */
  @Override
  public List<ParameterSpec> parameters(Site site) {
    List<String> a = List.of(ParameterSpec.RANK, Long.toString(site.outFeatures()));
    List<String> b = List.of(Long.toString(site.inFeatures()), ParameterSpec.RANK);
    return List.of(
        factor(site, "hada_w1_a", a, Initializer.KAIMING_UNIFORM),
        factor(site, "hada_w1_b", b, Initializer.KAIMING_UNIFORM),
        factor(site, "hada_w2_a", a, Initializer.KAIMING_UNIFORM),
        factor(site, "hada_w2_b", b, Initializer.ZEROS).withScaling());
  }

  private ParameterSpec factor(Site site, String key, List<String> dims, Initializer init) {
    String name = site.path() + "." + key;
    return ParameterSpec.of(name(), name, dims, init).stored(name, Layout.TRANSPOSED).withDecay();
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    List<Value> parameters = adapter.parameters();
    Value scaled = builder.op("Mul", parameters.get(3), adapter.scaling());
    Value left = builder.op("Reshape", parameters.get(1), builder.longs(0, 0, 1));
    Value right = builder.op("Reshape", scaled, builder.longs(0, 1, -1));
    Value b = builder.op("Reshape", builder.op("Mul", left, right), builder.longs(0, -1));
    Value above = builder.op("Reshape", parameters.get(0), builder.longs(0, 1, -1));
    Value pairs = builder.op("Mul", above, parameters.get(2));
    Value a = builder.op("Reshape", pairs, builder.longs(-1, site.outFeatures()));
    Value small = builder.op("MatMul", adapter.input(), b);
    return builder.op("Add", adapter.own(), builder.op("MatMul", small, a));
  }

  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    long out = site.outFeatures();
    Value left = builder.op("Reshape", bank.ofEachRow(builder, 1), builder.longs(0, 0, 0, 1));
    Value right = builder.op("Reshape", bank.ofEachRow(builder, 3), builder.longs(0, 0, 1, -1));
    Value b = builder.op("Reshape", builder.op("Mul", left, right), builder.longs(0, 0, -1));
    Value above = builder.op("Reshape", bank.ofEachRow(builder, 0), builder.longs(0, 0, 1, -1));
    Value below = builder.op("Reshape", bank.ofEachRow(builder, 2), builder.longs(0, 1, -1, out));
    Value a = builder.op("Reshape", builder.op("Mul", above, below), builder.longs(0, -1, out));
    Rows rows = Rows.of(builder, site.input(), bank.adapterIds());
    Value delta = builder.op("MatMul", builder.op("MatMul", rows.value(), b), a);
    return builder.op("Add", bank.own(), rows.back(delta, out));
  }

  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    LowRankProduct first = new LowRankProduct(adapter.get(1), adapter.get(0));
    LowRankProduct second = new LowRankProduct(adapter.get(3), adapter.get(2));
    WeightDelta delta = (input, output) -> first.at(input, output) * second.at(input, output);
    return delta.addedTo(layer, allocator);
  }
}
