package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * A few weights of each layer (FISH masks, Sung et al., 2021, arXiv:2111.09839): a linear layer
 * {@code y = x W} becomes {@code y = x W + x (D o M)}, where M, {@code [in, out]}, is one at the
 * chosen weights and zero elsewhere, and D, zero at the start, is what is added to them. A run
 * chooses M before its first step, and it stays.
 *
 * <p>The gradient of D is masked by the product with M, so no optimizer has to know of it: where M
 * is zero, gradient, moments and D stay zero. As D lies beside the weight, the base may be
 * quantized.
 */
public record Sparse() implements MergeableMethod {
  @Override
  public MethodName name() {
    return MethodName.SPARSE;
  }

  /** D and M. */
  @Override
  public List<ParameterSpec> parameters(Site site) {
    List<String> dims =
        List.of(Long.toString(site.inFeatures()), Long.toString(site.outFeatures()));
    String delta = site.path() + ".sparse_deltas";
    return List.of(
        ParameterSpec.of(name(), delta, dims, Initializer.ZEROS)
            .stored(delta, Layout.TRANSPOSED)
            .withDecay(),
        ParameterSpec.of(name(), site.path() + ".sparse_mask", dims, Initializer.ONES)
            .as(Role.START));
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    Value chosen = builder.op("Mul", adapter.parameters().get(0), adapter.parameters().get(1));
    return builder.op("Add", adapter.own(), builder.op("MatMul", adapter.input(), chosen));
  }

  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    Rows rows = Rows.of(builder, site.input(), bank.adapterIds());
    Value delta = builder.op("MatMul", rows.value(), bank.ofEachRow(builder, 0));
    return builder.op("Add", bank.own(), rows.back(delta, site.outFeatures()));
  }

  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    Tensor deltas = adapter.getFirst();
    float[] values = deltas.floats();
    int out = Math.toIntExact(deltas.shape().dim(1));
    WeightDelta delta = (input, output) -> values[input * out + output];
    return delta.addedTo(layer, allocator);
  }
}
