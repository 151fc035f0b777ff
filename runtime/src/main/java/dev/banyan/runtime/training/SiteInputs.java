package dev.banyan.runtime.training;

import dev.banyan.runtime.ort.NativeTensor;
import dev.banyan.runtime.ort.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * What a training graph takes for its adapters beside their parameters: the scaling of each layer
 * and, where it was prepared for dropout, masks.
 *
 * @param scalings the elements of {@code lora_scaling}
 * @param dims its dimensions
 * @param dropout what draws the masks
 */
record SiteInputs(List<Double> scalings, List<Long> dims, LoraDropout dropout) {
  private static final String SCALING = "lora_scaling";

  /** Copies the lists. */
  SiteInputs {
    scalings = List.copyOf(scalings);
    dims = List.copyOf(dims);
  }

  /**
   * The inputs of a run.
   *
   * @throws TrainingFailure.NoSuchInput if the plan asks for what the graph does not have
   */
  static SiteInputs of(GraphInputs graph, TrainingPlan plan, LayerRanks layers) {
    List<Long> dims = graph.dims().getOrDefault(SCALING, List.of());
    List<LoraDropout.Mask> masks = new ArrayList<>();
    graph
        .dims()
        .forEach(
            (name, sizes) -> {
              if (name.endsWith(LoraDropout.SUFFIX)) {
                masks.add(new LoraDropout.Mask(name, sizes.getLast()));
              }
            });
    double share = plan.adapter().dropout();
    if (share > 0 && masks.isEmpty()) {
      throw new TrainingFailure.NoSuchInput(
          "has no masks for --lora-dropout", "with 'banyan prepare --lora-dropout'");
    }
    return new SiteInputs(
        scalings(layers, plan, dims), dims, new LoraDropout(share, plan.seed(), masks));
  }

  private static List<Double> scalings(LayerRanks layers, TrainingPlan plan, List<Long> dims) {
    List<Double> each = layers.scalings();
    if (dims.isEmpty() && each.stream().distinct().count() > 1) {
      throw new TrainingFailure.NoSuchInput(
          "has one scaling for all layers, so no --alpha-pattern", "with this version");
    }
    return dims.isEmpty() || each.isEmpty()
        ? List.of(each.isEmpty() ? plan.adapter().scaling() : each.getFirst())
        : each;
  }

  /** The same for the base alone: LoRA's product counts nothing, and everything is read. */
  SiteInputs withoutAdapter() {
    return new SiteInputs(Collections.nCopies(scalings.size(), 0.0), dims, dropout);
  }

  /** Adds the scaling for a graph that drops nothing. */
  void addTo(Map<String, NativeTensor> feeds, TensorScope scope) {
    feeds.put(SCALING, scaling(scope, 1));
  }

  /** Adds scaling and masks for a graph that can drop. */
  void addTo(Feeder.Feeds feeds, LoraDropout.Place place) {
    if (!dropout.masks().isEmpty()) {
      feeds.byName().put(SCALING, scaling(feeds.scope(), dropout.compensation()));
      dropout.addTo(feeds.byName(), feeds.scope(), feeds.batch(), place);
    }
  }

  /** Adds masks that leave everything. */
  void addFullTo(Feeder.Feeds feeds) {
    new LoraDropout(0, 0, dropout.masks())
        .addTo(feeds.byName(), feeds.scope(), feeds.batch(), new LoraDropout.Place(0, 0));
  }

  private NativeTensor scaling(TensorScope scope, double factor) {
    float[] values = new float[scalings.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scalings.get(i) * factor);
    }
    return scope.floats(values, dims.stream().mapToLong(Long::longValue).toArray());
  }
}
