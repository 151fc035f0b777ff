package dev.banyan.runtime.training;

/**
 * Everything a user may choose about a run.
 *
 * @param adapter the adapter to make
 * @param passes how the run goes through its data
 * @param learningRate step sizes
 * @param adamW how parameters are updated
 * @param loss how answers count
 * @param evaluations when held-out examples are judged
 * @param seed decides the start values and the order of the examples
 * @param compute what computes
 */
public record TrainingPlan(
    AdapterPlan adapter,
    Passes passes,
    LearningRate learningRate,
    AdamW adamW,
    LossPlan loss,
    Evaluations evaluations,
    long seed,
    Compute compute) {
  /** A plan in which every answer counts as it is. */
  public TrainingPlan(
      AdapterPlan adapter,
      Passes passes,
      LearningRate learningRate,
      AdamW adamW,
      Evaluations evaluations,
      long seed,
      Compute compute) {
    this(adapter, passes, learningRate, adamW, LossPlan.plain(), evaluations, seed, compute);
  }

  /** The values the command line has by default. */
  public static TrainingPlan defaults() {
    return new TrainingPlan(
        AdapterPlan.lora(8, 16),
        Passes.defaults(),
        new LearningRate.Linear(2e-4, 0.1),
        AdamW.defaults(),
        LossPlan.plain(),
        Evaluations.defaults(),
        42,
        Compute.defaults());
  }

  /** The same for another adapter. */
  public TrainingPlan with(AdapterPlan other) {
    return new TrainingPlan(other, passes, learningRate, adamW, loss, evaluations, seed, compute);
  }

  /** The same with other passes over the data. */
  public TrainingPlan with(Passes other) {
    return new TrainingPlan(adapter, other, learningRate, adamW, loss, evaluations, seed, compute);
  }

  /** The same with other step sizes. */
  public TrainingPlan with(LearningRate other) {
    return new TrainingPlan(adapter, passes, other, adamW, loss, evaluations, seed, compute);
  }

  /** The same with other updates. */
  public TrainingPlan with(AdamW other) {
    return new TrainingPlan(adapter, passes, learningRate, other, loss, evaluations, seed, compute);
  }

  /** The same with other evaluations. */
  public TrainingPlan with(Evaluations other) {
    return new TrainingPlan(adapter, passes, learningRate, adamW, loss, other, seed, compute);
  }

  /** The same with answers that count otherwise. */
  public TrainingPlan with(LossPlan other) {
    return new TrainingPlan(
        adapter, passes, learningRate, adamW, other, evaluations, seed, compute);
  }

  /** The same with another seed. */
  public TrainingPlan withSeed(long other) {
    return new TrainingPlan(
        adapter, passes, learningRate, adamW, loss, evaluations, other, compute);
  }

  /** The same computed otherwise. */
  public TrainingPlan with(Compute other) {
    return new TrainingPlan(adapter, passes, learningRate, adamW, loss, evaluations, seed, other);
  }

  /** The same on another engine. */
  public TrainingPlan with(EngineKind other) {
    return with(compute.with(other));
  }
}
