package dev.banyan.runtime.training;

import java.util.concurrent.TimeUnit;

/**
 * Lets a user's interruption wait until the run has finished its step and saved its state. One
 * thread asks, as the process is ending; the thread that trains answers.
 */
final class Interruption {
  /** A step of a large model takes seconds; a user who waits longer would end the process. */
  private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(30);

  private boolean running;
  private boolean asked;

  /** The run can answer from now on. */
  synchronized void begin() {
    running = true;
  }

  /** The run has ended. */
  synchronized void end() {
    running = false;
    notifyAll();
  }

  /** Whether the run is to save its state and stop. */
  synchronized boolean asked() {
    return asked;
  }

  /** Asks the run to stop, and waits until it has. */
  synchronized void ask() {
    asked = true;
    long end = System.nanoTime() + MOST_NANOS;
    try {
      while (running && System.nanoTime() < end) {
        wait(1 + (end - System.nanoTime()) / 1_000_000);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /** Answers that the state is saved. Does not return, as the process ends now. */
  synchronized void answer() {
    end();
    while (true) {
      try {
        wait();
      } catch (InterruptedException _) {
        // Nothing is left to be done here.
      }
    }
  }
}
