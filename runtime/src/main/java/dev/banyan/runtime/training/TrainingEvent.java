package dev.banyan.runtime.training;

import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.runtime.report.Score;
import java.nio.file.Path;
import java.util.OptionalDouble;

/** What happens during a run, in this order. */
public sealed interface TrainingEvent {
  /**
   * Texts are cut shorter than the bundle cuts them, as learned tokens stand before them and the
   * model takes only so many.
   *
   * @param length tokens after which they are cut
   * @param of what the bundle was prepared for
   */
  record TextsCut(int length, int of) implements TrainingEvent {}

  /**
   * What is below the lowest adapter will be computed once for each text and kept.
   *
   * @param texts number of texts that fit into the limit
   * @param of number of all texts
   * @param bytes room that they take
   */
  record PrefixKept(int texts, int of, long bytes) implements TrainingEvent {}

  /**
   * Data and graphs are loaded.
   *
   * @param steps number of steps planned
   * @param stepsPerEpoch number of steps of the first epoch
   * @param done number of steps done before an interruption
   */
  record Started(int steps, int stepsPerEpoch, int done) implements TrainingEvent {}

  /**
   * The parameters were updated once.
   *
   * @param step number of this step, from 1
   * @param epoch from 1
   * @param loss mean loss of the batch, before the update
   * @param learningRate step size of the update
   * @param gradientNorm L2 norm of the gradients before clipping; empty if the engine does not tell
   * @param tokens tokens of the batch, padding not counted
   * @param nanos time the step took
   */
  record Stepped(
      int step,
      int epoch,
      float loss,
      double learningRate,
      OptionalDouble gradientNorm,
      int tokens,
      long nanos)
      implements TrainingEvent {}

  /**
   * The held-out examples were judged.
   *
   * @param step number of steps done
   * @param epoch from 1
   * @param score how well
   * @param best whether no earlier one was better
   */
  record Evaluated(int step, int epoch, Score score, boolean best) implements TrainingEvent {}

  /**
   * An adapter was written, in the place of an earlier one of this run.
   *
   * @param step number of steps done
   * @param epoch from 1
   * @param digest its identity
   */
  record Saved(int step, int epoch, Digest digest) implements TrainingEvent {}

  /**
   * All that the run needs to go on was written, in the place of what an earlier step needed.
   *
   * @param step number of steps done
   * @param state the folder
   */
  record StateSaved(int step, Path state) implements TrainingEvent {}

  /**
   * The run ends before its last epoch, as evaluations no longer get better.
   *
   * @param step number of steps done
   * @param epoch the last epoch, from 1
   */
  record StoppedEarly(int step, int epoch) implements TrainingEvent {}

  /**
   * The user ends the process; the run can go on from the state that was saved just before.
   *
   * @param step number of steps done
   * @param steps number of steps planned
   */
  record Interrupted(int step, int steps) implements TrainingEvent {}
}
