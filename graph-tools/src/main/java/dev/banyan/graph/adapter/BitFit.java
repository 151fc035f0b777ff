package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.adapter.BaseWeight.Part;
import java.util.List;

/** Biases only (Ben Zaken et al., 2021, arXiv:2106.10199): those of layers and normalizations. */
public record BitFit() implements WeightMethod {
  @Override
  public MethodName name() {
    return MethodName.BITFIT;
  }

  @Override
  public List<BaseWeight> of(List<BaseWeight> all) {
    return all.stream().filter(weight -> weight.part() == Part.BIAS).toList();
  }
}
