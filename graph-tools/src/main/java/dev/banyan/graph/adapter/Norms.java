package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.adapter.BaseWeight.FileKey;
import dev.banyan.graph.adapter.BaseWeight.Kind;
import java.util.List;

/**
 * Normalizations only (Zhao et al., 2023, arXiv:2312.11420), which PEFT calls {@code LN_TUNING}:
 * what scales a normalized value, and the bias behind it if there is one.
 */
public record Norms() implements WeightMethod {
  @Override
  public MethodName name() {
    return MethodName.NORMS;
  }

  @Override
  public List<BaseWeight> of(List<BaseWeight> all) {
    return all.stream()
        .filter(weight -> weight.kind() == Kind.NORMALIZATION)
        .map(weight -> weight.under(FileKey.NORMALIZATION))
        .toList();
  }
}
