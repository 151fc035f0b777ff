package dev.banyan.server.adapter;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import java.util.List;

/**
 * One version of an adapter in its slot.
 *
 * <p>Has an identity of its own: the same content loaded twice makes two residents, each of which
 * is counted for itself.
 */
public final class Resident {
  private final int slot;
  private final Digest digest;
  private final Task task;
  private final List<String> labels;

  // Guarded by AdapterSlots.
  int users;
  boolean retired;

  Resident(int slot, Digest digest, Task task, List<String> labels) {
    this.slot = slot;
    this.digest = digest;
    this.task = task;
    this.labels = List.copyOf(labels);
  }

  /** Its slot in the bank. */
  public int slot() {
    return slot;
  }

  /** Identity of this version. */
  public Digest digest() {
    return digest;
  }

  /** What it was trained for. */
  public Task task() {
    return task;
  }

  /** Names of its labels, index = class; empty if it has no head. */
  public List<String> labels() {
    return labels;
  }

  @Override
  public String toString() {
    return "%s in slot %d".formatted(digest, slot);
  }
}
