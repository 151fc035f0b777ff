package dev.banyan.server.api;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Counts the calls that are being answered, so that a shutdown can wait for them. */
public final class InFlight {
  private int calls;
  private boolean closed;

  /** No call yet. */
  public InFlight() {}

  /** Counts a call; false, and not counted, after {@link #close}. */
  synchronized boolean enter() {
    if (closed) {
      return false;
    }
    calls++;
    return true;
  }

  /** Ends a call that was counted. */
  synchronized void leave() {
    calls--;
    notifyAll();
  }

  /** True until {@link #close}. */
  synchronized boolean isOpen() {
    return !closed;
  }

  /** Refuses calls from now on. */
  public synchronized void close() {
    closed = true;
  }

  /** Waits until no call is being answered; false if that took too long. */
  public synchronized boolean awaitNone(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (calls > 0) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }
}
