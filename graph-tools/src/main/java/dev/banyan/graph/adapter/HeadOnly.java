package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import java.util.List;

/** Nothing but the task's head, which every adapter of a task with labels has anyway. */
public record HeadOnly() implements WeightMethod {
  @Override
  public MethodName name() {
    return MethodName.HEAD;
  }

  @Override
  public List<BaseWeight> of(List<BaseWeight> all) {
    return List.of();
  }
}
