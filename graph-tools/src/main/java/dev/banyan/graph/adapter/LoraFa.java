package dev.banyan.graph.adapter;

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
 * LoRA with A frozen (Zhang et al., 2023, arXiv:2308.03303): {@link Lora} of which only B is
 * trained, with the gradient that comes nearest to what a step of the whole weight would do. How
 * that is stepped along is the optimizer's business; an adapter is kept as one of LoRA.
 */
public record LoraFa() implements MergeableMethod {
  @Override
  public MethodName name() {
    return MethodName.LORA_FA;
  }

  @Override
  public List<ParameterSpec> parameters(Site site) {
    List<ParameterSpec> both = Lora.ofLayer(name(), site);
    return List.of(both.get(0).as(Role.FROZEN), both.get(1));
  }

  @Override
  public Value train(GraphBuilder builder, Site site, OneAdapter adapter) {
    return new Lora().train(builder, site, adapter);
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
