package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.runtime.ort.SessionSettings;
import java.util.List;
import java.util.Map;

/**
 * What an engine starts from.
 *
 * @param bundle has the graphs
 * @param parameters those of the bundle, as an adapter of the run has them
 * @param checkpoint the parameters, and the optimizer's state where a run goes on
 * @param adamW how to update
 * @param scalings what the products of adapters are multiplied by, by layer
 * @param abovePrefix whether the feeds have what is below the lowest adapter
 * @param evaluates whether the eval graph will be run, which loads one graph more
 * @param session where and how to compute
 */
record TrainingStart(
    Bundle bundle,
    List<ParameterSpec> parameters,
    Checkpoint checkpoint,
    AdamW adamW,
    Map<String, Double> scalings,
    boolean abovePrefix,
    boolean evaluates,
    SessionSettings session) {
  /** Copies the collections. */
  TrainingStart {
    parameters = List.copyOf(parameters);
    scalings = Map.copyOf(scalings);
  }

  /** The start of an adapter that has every parameter of the bundle, and no scaling. */
  TrainingStart(
      Bundle bundle,
      Checkpoint checkpoint,
      AdamW adamW,
      boolean abovePrefix,
      boolean evaluates,
      SessionSettings session) {
    this(
        bundle,
        bundle.manifest().parameters(),
        checkpoint,
        adamW,
        Map.of(),
        abovePrefix,
        evaluates,
        session);
  }
}
