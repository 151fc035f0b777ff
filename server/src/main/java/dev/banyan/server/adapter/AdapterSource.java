package dev.banyan.server.adapter;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import java.nio.file.Path;
import java.util.List;

/** Reads adapters and puts them into slots: the model as the registry sees it. */
public interface AdapterSource {
  /**
   * Reads an adapter and checks that it is sound and fits; nothing is activated. Called by any
   * thread.
   *
   * @throws RuntimeException if it is damaged or does not fit; the message says what, for the
   *     client
   */
  Prepared prepare(Path directory);

  /** Hears that no row will be in a slot until it is filled again. Called by any thread. */
  default void freed(int slot) {}

  /**
   * Whether the adapter in a slot has something of which there is less than there are slots. Called
   * by any thread.
   */
  default boolean isScarce(int slot) {
    return false;
  }

  /** An adapter that fits. */
  interface Prepared {
    /** Its identity: two adapters with the same digest answer the same. */
    Digest digest();

    /** What it was trained for. */
    Task task();

    /** Names of its labels, index = class; empty if it has no head. */
    List<String> labels();

    /**
     * Fills a slot that no row uses.
     *
     * @throws dev.banyan.server.problem.ServerProblem.NoFreeSlot if it needs something of which
     *     other adapters have all there is
     */
    void writeTo(int slot);
  }
}
