package dev.banyan.server.batch;

/** Hears of every run of the model; called by the queue's owner thread, so it must be quick. */
public interface BatchListener {
  /** A batch has run. */
  void ran(BatchRun run);

  /**
   * What a run was.
   *
   * @param rows rows in the batch
   * @param lanes how many lanes they came from
   * @param tokens their tokens, padding not counted
   * @param nanos how long the run took
   */
  record BatchRun(int rows, int lanes, int tokens, long nanos) {}
}
