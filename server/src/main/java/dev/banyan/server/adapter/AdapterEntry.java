package dev.banyan.server.adapter;

import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;

/** What the registry keeps of one adapter. */
final class AdapterEntry {
  final AdapterName name;

  /** Held while this adapter is loaded or removed, so that these follow each other. */
  final ReentrantLock loading = new ReentrantLock();

  /** Where the version lies that answers, or that is to be loaded first; guarded by loading. */
  Path directory;

  // Guarded by the registry.
  AdapterState state = new AdapterState.OnDisk();
  long lastUse;

  AdapterEntry(AdapterName name, Path directory) {
    this.name = name;
    this.directory = directory;
  }
}
