package dev.banyan.server.adapter;

import java.time.Duration;
import java.util.BitSet;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;

/**
 * The slots of the bank, reference-counted: a slot is free again when its resident is retired and
 * the last lease on it is closed. Slot 0 is the bare base and is never handed out.
 */
final class AdapterSlots {
  /** Slots in use come free within a few batches; longer than this, and they are too few. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  private final int size;
  private final BitSet free;
  private final IntConsumer freed;
  private long changes;

  /**
   * All slots of the range are free.
   *
   * @param freed hears of every slot that comes free
   */
  AdapterSlots(SlotRange range, IntConsumer freed) {
    this.freed = freed;
    this.size = range.count();
    this.free = new BitSet(range.first() + size);
    free.set(range.first(), range.first() + size);
  }

  /**
   * How a slot is wanted.
   *
   * @param spare slots that have to stay free
   * @param patience how long to wait for one
   */
  record Need(int spare, Duration patience) {}

  /**
   * A slot to fill; evicts if need be, and waits a little if all are in use. Empty if none came
   * free.
   *
   * @param evict gives up a slot that nobody uses, and says whether there was one
   */
  OptionalInt claim(Need need, BooleanSupplier evict) {
    long deadline = System.nanoTime() + need.patience().toNanos();
    while (true) {
      long seen = changes();
      OptionalInt slot = take(need.spare());
      if (slot.isPresent()) {
        return slot;
      }
      if (!evict.getAsBoolean() && !awaitChange(seen, deadline)) {
        return OptionalInt.empty();
      }
    }
  }

  /** A free slot, if more than {@code spare} are free. */
  private synchronized OptionalInt take(int spare) {
    if (free.cardinality() <= spare) {
      return OptionalInt.empty();
    }
    int slot = free.nextSetBit(0);
    free.clear(slot);
    return OptionalInt.of(slot);
  }

  /** Gives back a slot that got no resident. */
  synchronized void give(int slot) {
    free(slot);
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
      free(resident.slot());
    }
  }

  private void free(int slot) {
    // Before somebody else can take and fill it.
    freed.accept(slot);
    free.set(slot);
  }

  private void changed() {
    changes++;
    notifyAll();
  }

  /** How often a slot or a use was given back so far. */
  private synchronized long changes() {
    return changes;
  }

  /**
   * Waits until something was given back since {@code seen}; false once the deadline, in {@link
   * System#nanoTime} time, has passed or the thread is interrupted.
   */
  private synchronized boolean awaitChange(long seen, long deadline) {
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
