package dev.banyan.runtime.training;

import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.runtime.report.Score;

/** What happens during a run, in this order. */
public sealed interface TrainingEvent {
  /**
   * Data and graphs are loaded.
   *
   * @param steps number of steps planned
   * @param stepsPerEpoch number of steps of an epoch
   */
  record Started(int steps, int stepsPerEpoch) implements TrainingEvent {}

  /**
   * The parameters were updated once.
   *
   * @param step number of this step, from 1
   * @param epoch from 1
   * @param loss mean loss of the batch, before the update
   * @param learningRate step size of the update
   * @param tokens tokens of the batch, padding not counted
   * @param nanos time the step took
   */
  record Stepped(int step, int epoch, float loss, double learningRate, int tokens, long nanos)
      implements TrainingEvent {}

  /**
   * The held-out examples were judged.
   *
   * @param epoch from 1
   * @param score how well
   * @param best whether no earlier one was better
   */
  record Evaluated(int epoch, Score score, boolean best) implements TrainingEvent {}

  /**
   * An adapter was written, in the place of an earlier one of this run.
   *
   * @param epoch from 1
   * @param digest its identity
   */
  record Saved(int epoch, Digest digest) implements TrainingEvent {}

  /**
   * The run ends before its last epoch, as evaluations no longer get better.
   *
   * @param epoch the last epoch, from 1
   */
  record StoppedEarly(int epoch) implements TrainingEvent {}
}
