package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.site.WeightCount;
import java.util.List;

/**
 * Every weight: what all other methods are measured against. Each adapter is then as large as the
 * base itself.
 */
public record Full() implements WeightMethod {
  private static final double MOST = 0.99;

  @Override
  public MethodName name() {
    return MethodName.FULL;
  }

  @Override
  public List<BaseWeight> of(List<BaseWeight> all) {
    return all;
  }

  /**
   * Checks that every weight is nearly every weight. What may be missing is a table of biases
   * between positions, which no text has as its own.
   *
   * @throws UnusableModel if too many weights are in a form that cannot be trained
   */
  static void requireMost(Graph graph, List<BaseWeight> all) {
    long found = all.stream().mapToLong(weight -> weight.value().shape().elements()).sum();
    long there = WeightCount.of(graph);
    if (found < MOST * there) {
      throw new UnusableModel(
          "Of the model's %,d weights %,d can be trained, so --method full would not be full: the others are quantized, or their layers are called on constants too; use --method last-layers, or another method"
              .formatted(there, found));
    }
  }
}
