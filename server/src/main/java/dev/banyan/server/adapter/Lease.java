package dev.banyan.server.adapter;

/**
 * The use of one version of an adapter: its slot keeps its content until the lease is closed.
 * Closing it again has no effect.
 */
public final class Lease implements AutoCloseable {
  private final AdapterSlots slots;
  private final Resident resident;

  // Guarded by AdapterSlots.
  boolean closed;

  Lease(AdapterSlots slots, Resident resident) {
    this.slots = slots;
    this.resident = resident;
  }

  /** The version that is used. */
  public Resident adapter() {
    return resident;
  }

  @Override
  public void close() {
    slots.release(this);
  }
}
