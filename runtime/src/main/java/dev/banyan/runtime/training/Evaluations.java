package dev.banyan.runtime.training;

/**
 * When held-out examples are judged, and how long a run waits for a better result.
 *
 * @param every steps between two evaluations; 0 for one at the end of each epoch
 * @param patience evaluations without a better one after which the run ends
 */
public record Evaluations(int every, int patience) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public Evaluations {
    Require.that(every >= 0, "eval-every", every, "0 (each epoch) or more");
    Require.that(patience >= 1, "patience", patience, "1 or more");
  }

  /** Each epoch; three may pass without a better one. */
  public static Evaluations defaults() {
    return new Evaluations(0, 3);
  }

  /**
   * Whether one is due after a step.
   *
   * @param step number of steps done
   * @param epochEnds whether the step was the last of its epoch
   * @param runEnds whether it was the last of all
   */
  boolean due(int step, boolean epochEnds, boolean runEnds) {
    return runEnds || (every == 0 ? epochEnds : step % every == 0);
  }
}
