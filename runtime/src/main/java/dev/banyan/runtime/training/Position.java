package dev.banyan.runtime.training;

/**
 * How far a run has come.
 *
 * @param step updates done
 * @param epoch the epoch that the next step belongs to, from 1, unless that epoch has no more steps
 * @param stepOfEpoch updates done in this epoch
 */
record Position(int step, int epoch, int stepOfEpoch) {
  /** Before the first step. */
  static Position start() {
    return new Position(0, 1, 0);
  }

  /** After one step more. */
  Position afterStep() {
    return new Position(step + 1, epoch, stepOfEpoch + 1);
  }

  /** At the beginning of the next epoch. */
  Position nextEpoch() {
    return new Position(step, epoch + 1, 0);
  }
}
