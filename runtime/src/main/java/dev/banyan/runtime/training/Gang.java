package dev.banyan.runtime.training;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Keeps jobs in step: each has a thread of its own that runs as if it were alone, and where it
 * wants gradients it waits until all others do too. Then one pass is made for all of them.
 *
 * <p>The pass takes the jobs in their order and waits for every seat, also for one whose job has
 * just ended and which has another to load, so that what is computed together does not depend on
 * how fast a thread is.
 */
final class Gang {
  private final GangEngine engine;
  private final TreeMap<Integer, Turn> turns = new TreeMap<>();
  private int seats;

  /** One job's wish and its fulfilment. */
  private static final class Turn {
    private final GangEngine.Part part;
    private float loss;
    private boolean done;
    private @Nullable RuntimeException failure;

    Turn(GangEngine.Part part) {
      this.part = part;
    }
  }

  /**
   * @param seats threads that take part
   */
  Gang(GangEngine engine, int seats) {
    this.engine = engine;
    this.seats = seats;
  }

  /**
   * Computes a job's gradients, together with those of the others.
   *
   * @param job its place among all jobs
   * @param padId the token that fills up short rows
   * @return the loss
   */
  synchronized float learn(int job, GangEngine.Part part, long padId) {
    Turn turn = new Turn(part);
    turns.put(job, turn);
    notifyAll();
    try {
      while (!turn.done) {
        if (turns.size() == seats) {
          passForAll(padId);
        } else {
          wait();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Nothing interrupts a job's thread", e);
    }
    if (turn.failure != null) {
      throw turn.failure;
    }
    return turn.loss;
  }

  /** A seat has no more jobs, and the others need not wait for it. */
  synchronized void leave() {
    seats--;
    notifyAll();
  }

  private void passForAll(long padId) {
    List<Turn> all = new ArrayList<>(turns.values());
    turns.clear();
    try {
      List<Float> losses = engine.pass(all.stream().map(turn -> turn.part).toList(), padId);
      for (int i = 0; i < losses.size(); i++) {
        all.get(i).loss = losses.get(i);
      }
    } catch (RuntimeException e) {
      all.forEach(turn -> turn.failure = e);
    }
    all.forEach(turn -> turn.done = true);
    notifyAll();
  }
}
