package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * LoRA that starts from factors of the layer's own weight: PiSSA (Meng et al., 2024,
 * arXiv:2404.02948) from its largest singular directions, OLoRA (Büyükakyüz, 2024,
 * arXiv:2406.01775) from an orthogonal basis of it. {@code y = x W + s ((x A) B - (x A0) B0)} with
 * {@code A = A0} and {@code B = B0} at the start, so that it starts from the base.
 *
 * <p>The frozen start is of the training graphs alone. A trained adapter is one of {@link Lora}
 * with twice the rank: {@code [A A0]} and {@code [B; -B0]}.
 *
 * @param name which of them
 */
public record LoraFromBase(MethodName name) implements MergeableMethod {
  @Override
  public List<ParameterSpec> parameters(Site site) {
    List<ParameterSpec> all = new ArrayList<>();
    for (ParameterSpec factor : Lora.ofLayer(name, site)) {
      all.add(factor.starting(Initializer.FACTOR_OF_BASE));
    }
    for (ParameterSpec factor : Lora.ofLayer(name, site)) {
      String start = factor.name() + "0";
      all.add(
          ParameterSpec.of(name, start, factor.dims(), Initializer.FACTOR_OF_BASE).as(Role.START));
    }
    return all;
  }

  /** The start is frozen: it reads all of the input, and is not made larger for it. */
  @Override
  public boolean tellsCompensation() {
    return true;
  }

  /** Both sides are computed alike, so that they cancel at the start to the last bit. */
  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    List<Value> parameters = adapter.parameters();
    Value own = product(builder, adapter.input(), parameters.subList(0, 2), adapter.scaling());
    Value scaling =
        adapter.compensation().isNone()
            ? adapter.scaling()
            : builder.op("Div", adapter.scaling(), adapter.compensation());
    Value start = product(builder.in("start"), site.input(), parameters.subList(2, 4), scaling);
    return builder.op("Add", adapter.own(), builder.op("Sub", own, start));
  }

  private static Value product(
      GraphBuilder builder, Value input, List<Value> factors, Value scaling) {
    Value small = builder.op("Mul", builder.op("MatMul", input, factors.get(0)), scaling);
    return builder.op("MatMul", small, factors.get(1));
  }

  @Override
  public Value serve(GraphBuilder builder, Site site, AdapterBank bank) {
    return new Lora().serve(builder, site, bank);
  }

  @Override
  public LayerWeights merge(Layer layer, List<Tensor> adapter, SegmentAllocator allocator) {
    return new Lora().merge(layer, adapter, allocator);
  }
}
