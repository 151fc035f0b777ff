package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.RankRange;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * LoKr (Yeh et al., 2023, arXiv:2309.14859): what is added to a layer's weight is the Kronecker
 * product of two small matrices, {@code w1} of {@code [outerOut, outerIn]} and {@code w2} of {@code
 * [innerOut, innerIn]}, times the scaling. As in PEFT.
 *
 * <p>The product is never made. An input of {@code in} numbers is a matrix X of {@code [outerIn,
 * innerIn]}, and what it becomes is {@code w1 X w2^T}, read row by row.
 *
 * <p>An adapter has a factor whole, or as a product of two of its rank where that is less. Training
 * graphs take the sum of both forms, of which an adapter has one ({@link RankRange}) and the other
 * stays zero. A server has whole factors, so that adapters of all ranks share its banks.
 *
 * @param decomposeBoth whether w1 can be a product too
 * @param factor PEFT's {@code decompose_factor}
 */
public record Lokr(boolean decomposeBoth, int factor) implements MergeableMethod {
  @Override
  public MethodName name() {
    return MethodName.LOKR;
  }

  /** w1, w2, w2_a and w2_b, w1_a and w1_b, as far as adapters can have them. */
  @Override
  public List<ParameterSpec> parameters(Site site) {
    KroneckerShape shape = shape(site);
    List<ParameterSpec> all = new ArrayList<>();
    ParameterSpec outer =
        parameter(site, "lokr_w1", shape.outerOut(), shape.outerIn(), Initializer.ZEROS)
            .withScaling();
    all.add(decomposeBoth ? outer.at(RankRange.from(shape.wholeOuter())) : outer);
    Initializer random = Initializer.KAIMING_UNIFORM;
    all.add(
        parameter(site, "lokr_w2", shape.innerOut(), shape.innerIn(), random)
            .at(RankRange.from(shape.wholeInner())));
    RankRange thin = RankRange.below(shape.wholeInner());
    all.add(factor(site, "lokr_w2_a", shape.innerOut(), ParameterSpec.RANK, random).at(thin));
    all.add(factor(site, "lokr_w2_b", ParameterSpec.RANK, shape.innerIn(), random).at(thin));
    if (decomposeBoth) {
      RankRange both = RankRange.below(shape.wholeOuter());
      Initializer zeros = Initializer.ZEROS;
      all.add(
          factor(site, "lokr_w1_a", shape.outerOut(), ParameterSpec.RANK, zeros)
              .withScaling()
              .at(both));
      all.add(factor(site, "lokr_w1_b", ParameterSpec.RANK, shape.outerIn(), random).at(both));
    }
    return all;
  }

  private ParameterSpec factor(
      Site site, String key, Object rows, Object columns, Initializer init) {
    return parameter(site, key, rows, columns, init).as(Role.FACTOR);
  }

  /** Of this shape in the file; the graph has the transpose. */
  private ParameterSpec parameter(
      Site site, String key, Object rows, Object columns, Initializer init) {
    String name = site.path() + "." + key;
    return ParameterSpec.of(name(), name, List.of(columns.toString(), rows.toString()), init)
        .stored(name, Layout.TRANSPOSED)
        .withDecay();
  }

  private KroneckerShape shape(Site site) {
    return KroneckerShape.of(site.inFeatures(), site.outFeatures(), factor);
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    List<Value> all = adapter.parameters();
    // Transposed, as all are here: w2^T = w2_b^T w2_a^T.
    Value inner = builder.op("Add", all.get(1), builder.op("MatMul", all.get(3), all.get(2)));
    Value outer =
        decomposeBoth
            ? builder.op("Add", all.get(0), builder.op("MatMul", all.get(5), all.get(4)))
            : all.get(0);
    Value scaled = builder.op("Transpose", builder.op("Mul", outer, adapter.scaling()));
    KroneckerShape shape = shape(site);
    boolean flat = site.input().knownType().rank() == 2;
    Value matrices =
        builder.op(
            "Reshape",
            adapter.input(),
            flat
                ? builder.longs(0, shape.outerIn(), shape.innerIn())
                : builder.longs(0, 0, shape.outerIn(), shape.innerIn()));
    Value half = builder.op("MatMul", matrices, inner);
    Value whole = builder.op("MatMul", scaled, half);
    Value delta =
        builder.op("Reshape", whole, flat ? builder.longs(0, -1) : builder.longs(0, 0, -1));
    return builder.op("Add", adapter.own(), delta);
  }

  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    KroneckerShape shape = shape(site);
    Rows rows = Rows.of(builder, site.input(), bank.adapterIds());
    Value columns = builder.op("Reshape", rows.value(), builder.longs(0, -1, shape.innerIn()));
    Value half = builder.op("MatMul", columns, bank.ofEachRow(builder, 1));
    Value matrices =
        builder.op("Reshape", half, builder.longs(0, -1, shape.outerIn(), shape.innerOut()));
    Value turned =
        builder.op(
            "Transpose",
            Map.of("perm", new Attribute.Ints(List.of(0L, 2L, 1L))),
            bank.ofEachRow(builder, 0));
    Value outer =
        builder.op("Reshape", turned, builder.longs(0, 1, shape.outerOut(), shape.outerIn()));
    Value whole = builder.op("MatMul", outer, matrices);
    Value delta = builder.op("Reshape", whole, builder.longs(0, -1, site.outFeatures()));
    return builder.op("Add", bank.own(), rows.back(delta, site.outFeatures()));
  }

  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    float[] outer = adapter.get(0).floats();
    float[] inner = adapter.get(1).floats();
    int outerOut = Math.toIntExact(adapter.get(0).shape().dim(1));
    int innerOut = Math.toIntExact(adapter.get(1).shape().dim(1));
    int innerIn = Math.toIntExact(adapter.get(1).shape().dim(0));
    WeightDelta delta =
        (input, output) ->
            (double) outer[input / innerIn * outerOut + output / innerOut]
                * inner[input % innerIn * innerOut + output % innerOut];
    return delta.addedTo(layer, allocator);
  }
}
