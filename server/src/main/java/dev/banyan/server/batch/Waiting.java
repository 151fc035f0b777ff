package dev.banyan.server.batch;

/** A row that waits for its run: all that {@link BatchPlan} needs to know of it. */
public interface Waiting {
  /** Whose row it is. */
  Lane lane();

  /** Length in tokens, at least 1. */
  int tokens();
}
