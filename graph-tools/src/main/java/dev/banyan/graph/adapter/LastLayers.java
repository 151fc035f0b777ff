package dev.banyan.graph.adapter;

import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.graph.GraphFailure.UnusableModel;
import dev.banyan.graph.site.Layers;
import dev.banyan.graph.site.PathMatch;
import java.util.List;
import java.util.OptionalInt;

/**
 * Everything in the last layers, and what comes behind them: a last normalization, a pooler. The
 * layer that scores a vocabulary is left out, as it is for other methods.
 *
 * @param count how many layers
 */
public record LastLayers(int count) implements WeightMethod {
  @Override
  public MethodName name() {
    return MethodName.LAST_LAYERS;
  }

  /**
   * {@inheritDoc}
   *
   * @throws UnusableModel if the base has fewer layers
   */
  @Override
  public List<BaseWeight> of(List<BaseWeight> all) {
    int layers = all.stream().mapToInt(weight -> number(weight).orElse(-1) + 1).max().orElse(0);
    if (layers < count) {
      throw new UnusableModel(
          "The model has %d layers, fewer than the %d of --method last-layers:n=%d"
              .formatted(layers, count, count));
    }
    int last = -1;
    for (int i = 0; i < all.size(); i++) {
      last = number(all.get(i)).isPresent() ? i : last;
    }
    PathMatch inside = new PathMatch.AllLinear();
    List<BaseWeight> behind =
        all.subList(last + 1, all.size()).stream()
            .filter(weight -> inside.matches(weight.module()))
            .toList();
    return all.stream()
        .filter(weight -> number(weight).orElse(-1) >= layers - count || behind.contains(weight))
        .toList();
  }

  private static OptionalInt number(BaseWeight weight) {
    return Layers.of(weight.module());
  }
}
