package dev.banyan.runtime.training;

/** How one of several jobs ended. */
public sealed interface JobResult {
  /** The job. */
  TrainingJob job();

  /**
   * Its adapter is in its place.
   *
   * @param report what the run did
   */
  record Trained(TrainingJob job, TrainingReport report) implements JobResult {}

  /**
   * It could not go on; what it had kept before is in its place.
   *
   * @param reason what a solo run would have ended with
   */
  record Failed(TrainingJob job, RuntimeException reason) implements JobResult {}
}
