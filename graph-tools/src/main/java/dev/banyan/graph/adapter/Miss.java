package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.tensor.DType;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Map;

/**
 * MiSS (Kang and Yin, 2024, arXiv:2409.15371): a linear layer {@code y = x W} becomes {@code y = x
 * W + s M}, where element j of the sums s is that of the inputs j, j + rank, j + 2 rank and so on,
 * and M, {@code [rank, out]}, is all that is trained. As in PEFT.
 *
 * <p>The sums are a product with a matrix of zeros and ones, which is made in the graph as the rank
 * is known only there: that is as fast as to reshape and add, and needs no filling up where the
 * rank does not divide the number of inputs.
 */
public record Miss() implements MergeableMethod {
  @Override
  public MethodName name() {
    return MethodName.MISS;
  }

  @Override
  public List<ParameterSpec> parameters(Site site) {
    String name = site.path() + ".miss_block";
    List<String> dims = List.of(ParameterSpec.RANK, Long.toString(site.outFeatures()));
    return List.of(
        ParameterSpec.of(name(), name, dims, Initializer.ZEROS)
            .stored(name, Layout.SAME)
            .withDecay());
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    Value block = adapter.parameters().getFirst();
    Value sums = builder.op("MatMul", adapter.input(), sharing(builder, site, block, 0));
    return builder.op("Add", adapter.own(), builder.op("MatMul", sums, block));
  }

  /** An adapter of a lower rank than the bank's is in it more than once, which says the same. */
  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    Value ones = sharing(builder, site, bank.parameters().getFirst(), 1);
    Rows rows = Rows.of(builder, site.input(), bank.adapterIds());
    Value sums = builder.op("MatMul", rows.value(), ones);
    Value delta = builder.op("MatMul", sums, bank.ofEachRow(builder, 0));
    return builder.op("Add", bank.own(), rows.back(delta, site.outFeatures()));
  }

  /** {@code [in, rank]}: one where an input is part of a sum. */
  private static Value sharing(GraphBuilder builder, Site site, Value block, long axis) {
    Value rank = builder.op("Gather", builder.op("Shape", block), builder.scalar(axis));
    Value one = builder.scalar(1L);
    Value zero = builder.scalar(0L);
    Value inputs = builder.op("Range", zero, builder.scalar(site.inFeatures()), one);
    Value column = builder.op("Reshape", inputs, builder.longs(-1, 1));
    Value sums = builder.op("Range", zero, rank, one);
    Value same = builder.op("Equal", builder.op("Mod", column, rank), sums);
    return builder.op("Cast", Map.of("to", Attribute.of((long) DType.FLOAT.onnxCode())), same);
  }

  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    Tensor block = adapter.getFirst();
    float[] values = block.floats();
    int rank = Math.toIntExact(block.shape().dim(0));
    int out = Math.toIntExact(block.shape().dim(1));
    WeightDelta delta = (input, output) -> values[input % rank * out + output];
    return delta.addedTo(layer, allocator);
  }
}
