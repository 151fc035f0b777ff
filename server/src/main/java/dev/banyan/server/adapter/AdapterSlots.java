package dev.banyan.server.adapter;

import java.util.BitSet;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/**
 * The slots of the bank, reference-counted: a slot is free again when its resident is retired and
 * the last lease on it is closed. Slot 0 is the bare base and is never handed out.
 */
final class AdapterSlots {
  private final int size;
  private final BitSet free;
  private long changes;

  /** Slots 1 to {@code size}, all free. */
  AdapterSlots(int size) {
    this.size = size;
    this.free = new BitSet(size + 1);
    free.set(1, size + 1);
  }

  /** A free slot, if more than {@code spare} are free. */
  synchronized OptionalInt take(int spare) {
    if (free.cardinality() <= spare) {
      return OptionalInt.empty();
    }
    int slot = free.nextSetBit(0);
    free.clear(slot);
    return OptionalInt.of(slot);
  }

  /** Gives back a slot that got no resident. */
  synchronized void give(int slot) {
    free.set(slot);
    changed();
  }

  synchronized int used() {
    return size - free.cardinality();
  }

  /** Counts a use of a resident that is not retired. */
  synchronized Lease use(Resident resident) {
    resident.users++;
    return new Lease(this, resident);
  }

  synchronized void release(Lease lease) {
    if (!lease.closed) {
      lease.closed = true;
      lease.adapter().users--;
      freeIfUnused(lease.adapter());
      changed();
    }
  }

  synchronized boolean isUsed(Resident resident) {
    return resident.users > 0;
  }

  /** Says that there will be no new use of a resident. */
  synchronized void retire(Resident resident) {
    resident.retired = true;
    freeIfUnused(resident);
    changed();
  }

  private void freeIfUnused(Resident resident) {
    if (resident.retired && resident.users == 0) {
      free.set(resident.slot());
    }
  }

  private void changed() {
    changes++;
    notifyAll();
  }

  /** How often a slot or a use was given back so far. */
  synchronized long changes() {
    return changes;
  }

  /**
   * Waits until something was given back since {@code seen}; false once the deadline, in {@link
   * System#nanoTime} time, has passed or the thread is interrupted.
   */
  synchronized boolean awaitChange(long seen, long deadline) {
    while (changes == seen) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }
}
