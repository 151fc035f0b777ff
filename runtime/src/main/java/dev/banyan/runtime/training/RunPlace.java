package dev.banyan.runtime.training;

import java.nio.file.Path;

/**
 * Where a run leaves its adapter, and from where it can go on after an interruption.
 *
 * @param out folder of the adapter; an adapter that is there is replaced
 * @param state folder of what the run needs to go on; removed when the run has ended
 * @param saveEvery steps after which the state is saved, beside the end of each epoch; 0 for only
 *     those
 * @param resume whether to go on from the state rather than to start
 */
public record RunPlace(Path out, Path state, int saveEvery, boolean resume) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public RunPlace {
    Require.that(saveEvery >= 0, "save-every", saveEvery, "0 (each epoch) or more");
  }

  /** A run that starts, with its state in the usual place. */
  public static RunPlace of(Path out) {
    return new RunPlace(out, stateOf(out), 0, false);
  }

  /**
   * The usual place of a state: hidden beside the adapter, so that who looks for adapters does not
   * find it.
   */
  public static Path stateOf(Path out) {
    Path whole = out.toAbsolutePath().normalize();
    return whole.resolveSibling("." + whole.getFileName() + ".state");
  }

  /** The same place, with the state saved more often. */
  public RunPlace savedEvery(int steps) {
    return new RunPlace(out, state, steps, resume);
  }

  /** The same place, where the run is to go on. */
  public RunPlace resumed() {
    return new RunPlace(out, state, saveEvery, true);
  }
}
