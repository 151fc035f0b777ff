package dev.banyan.runtime.training;

import dev.banyan.runtime.ort.SessionSettings;

/**
 * Everything a user may choose about a run.
 *
 * @param adapter the adapter to make
 * @param passes how the run goes through its data
 * @param learningRate step sizes
 * @param adamW how parameters are updated
 * @param patience evaluations without a better one after which the run ends
 * @param seed decides the start values and the order of the examples
 * @param engine what computes
 * @param session where and how to compute
 */
public record TrainingPlan(
    AdapterPlan adapter,
    Passes passes,
    LearningRate learningRate,
    AdamW adamW,
    int patience,
    long seed,
    EngineKind engine,
    SessionSettings session) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public TrainingPlan {
    Require.that(patience >= 1, "patience", patience, "1 or more");
  }

  /** The values the command line has by default. */
  public static TrainingPlan defaults() {
    return new TrainingPlan(
        AdapterPlan.lora(8, 16),
        Passes.defaults(),
        new LearningRate.Linear(2e-4, 0.1),
        AdamW.defaults(),
        3,
        42,
        EngineKind.SESSION,
        SessionSettings.defaults());
  }

  /** The same for another adapter. */
  public TrainingPlan with(AdapterPlan other) {
    return new TrainingPlan(other, passes, learningRate, adamW, patience, seed, engine, session);
  }

  /** The same with other passes over the data. */
  public TrainingPlan with(Passes other) {
    return new TrainingPlan(adapter, other, learningRate, adamW, patience, seed, engine, session);
  }

  /** The same with other step sizes. */
  public TrainingPlan with(LearningRate other) {
    return new TrainingPlan(adapter, passes, other, adamW, patience, seed, engine, session);
  }

  /** The same with other updates. */
  public TrainingPlan with(AdamW other) {
    return new TrainingPlan(adapter, passes, learningRate, other, patience, seed, engine, session);
  }

  /** The same with another seed. */
  public TrainingPlan withSeed(long other) {
    return new TrainingPlan(adapter, passes, learningRate, adamW, patience, other, engine, session);
  }

  /** The same on another engine. */
  public TrainingPlan with(EngineKind other) {
    return new TrainingPlan(adapter, passes, learningRate, adamW, patience, seed, other, session);
  }
}
