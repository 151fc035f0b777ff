package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.base.BaseLayers;
import dev.banyan.runtime.data.ShuffledBatches;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Chooses, before the first step of a run, which weights the method {@code sparse} trains. The
 * masks are parameters that no step changes, so a run's state has them.
 *
 * @param bundle the bundle that is trained
 * @param plan what the run chose
 */
record SparseMasks(Bundle bundle, TrainingPlan plan) {
  /**
   * A fresh checkpoint with masks in place of the ones in it.
   *
   * @param learner over an engine that starts from this checkpoint and is closed here; asked for
   *     only if the rule is about gradients
   */
  Checkpoint in(Checkpoint fresh, Supplier<Learner> learner) {
    List<ParameterSpec> deltas =
        bundle.manifest().parameters().stream().filter(SparseMasks::isDeltas).toList();
    if (deltas.isEmpty()) {
      return fresh;
    }
    Map<String, Tensor> masks = new HashMap<>();
    importance(deltas, learner).forEach((spec, values) -> masks.put(mask(spec), of(spec, values)));
    List<Tensor> all =
        fresh.trainable().stream()
            .map(tensor -> masks.getOrDefault(tensor.name(), tensor))
            .toList();
    return Checkpoint.fresh(all);
  }

  /** Whether a parameter is what the method adds to a layer's weight. */
  static boolean isDeltas(ParameterSpec spec) {
    return isSparse(spec) && spec.isTrained();
  }

  private static boolean isSparse(ParameterSpec spec) {
    return spec.method().equals(Optional.of(MethodName.SPARSE));
  }

  static String mask(ParameterSpec deltas) {
    return deltas.site() + ".sparse_mask";
  }

  /**
   * How many weights of a layer are trained.
   *
   * @param tensors of a checkpoint
   */
  static long trained(ParameterSpec deltas, List<Tensor> tensors) {
    Tensor mask =
        tensors.stream()
            .filter(tensor -> tensor.name().equals(mask(deltas)))
            .findFirst()
            .orElseThrow();
    long count = 0;
    for (float chosen : mask.floats()) {
      count += chosen == 0 ? 0 : 1;
    }
    return count;
  }

  /** What each weight of each layer is chosen by, {@code [in, out]}. */
  private Map<ParameterSpec, float[]> importance(
      List<ParameterSpec> deltas, Supplier<Learner> learner) {
    return switch (plan.adapter().kept().by()) {
      case MAGNITUDE -> magnitudes(deltas);
      case FISHER -> fisher(deltas, learner);
      case RANDOM -> random(deltas);
    };
  }

  private Map<ParameterSpec, float[]> magnitudes(List<ParameterSpec> deltas) {
    Map<ParameterSpec, float[]> all = new HashMap<>();
    try (BaseLayers layers = BaseLayers.of(bundle)) {
      for (ParameterSpec spec : deltas) {
        float[] weights = layers.weight(spec.site()).floats();
        for (int i = 0; i < weights.length; i++) {
          weights[i] = Math.abs(weights[i]);
        }
        all.put(spec, weights);
      }
    }
    return all;
  }

  private Map<ParameterSpec, float[]> fisher(
      List<ParameterSpec> deltas, Supplier<Learner> learner) {
    Learner asked = learner.get();
    try (TrainingEngine _ = asked.engine()) {
      Passes passes = plan.passes();
      List<List<Integer>> order =
          new ShuffledBatches(plan.seed(), passes.batch(), passes.order())
              .epoch(asked.data().lengths(), 0);
      int count = Math.min(order.size(), plan.adapter().kept().batches());
      MeanSquares squares = new MeanSquares(deltas.stream().map(ParameterSpec::name).toList());
      order.subList(0, count).forEach(batch -> squares.add(asked.gradients(batch)));
      Map<ParameterSpec, float[]> all = new HashMap<>();
      deltas.forEach(spec -> all.put(spec, squares.of(spec.name())));
      return all;
    }
  }

  private Map<ParameterSpec, float[]> random(List<ParameterSpec> deltas) {
    Map<ParameterSpec, float[]> all = new HashMap<>();
    for (ParameterSpec spec : deltas) {
      // As parameters start: each layer draws for itself, whatever other layers there are.
      Random random = new Random(plan.seed() * 0x9E3779B97F4A7C15L ^ mask(spec).hashCode());
      float[] values = new float[Math.toIntExact(shape(spec).elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextFloat();
      }
      all.put(spec, values);
    }
    return all;
  }

  /** Ones at the most important weights; of equals, at those that come first in the file. */
  private Tensor of(ParameterSpec spec, float[] importance) {
    Tensor inGraph = Tensor.ofFloats(mask(spec), shape(spec), importance);
    Tensor inFile = Layout.TRANSPOSED.toFile(inGraph);
    float[] values = inFile.floats();
    float[] chosen = largest(values, plan.adapter().kept().of(values.length));
    return Layout.TRANSPOSED.toGraph(Tensor.ofFloats(mask(spec), inFile.shape(), chosen));
  }

  private static Shape shape(ParameterSpec spec) {
    return spec.shape(1, 1);
  }

  /** Ones at the largest values, else zeros; of equal values the first count as larger. */
  static float[] largest(float[] values, int count) {
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    float least = sorted[sorted.length - count];
    float[] chosen = new float[values.length];
    List<Integer> equal = new ArrayList<>();
    int left = count;
    for (int i = 0; i < values.length; i++) {
      if (values[i] > least) {
        chosen[i] = 1;
        left--;
      } else if (values[i] == least && equal.size() < count) {
        equal.add(i);
      }
    }
    equal.subList(0, left).forEach(i -> chosen[i] = 1);
    return chosen;
  }
}
