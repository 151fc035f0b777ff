package dev.banyan.server.wiring;

import dev.banyan.server.adapter.AdapterFolder;
import dev.banyan.server.adapter.AdapterName;
import dev.banyan.server.adapter.AdapterRegistry;
import dev.banyan.server.problem.ServerProblem;
import java.nio.file.Path;
import java.util.SortedMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fills the slots at the start with the adapters of the folder. One that is broken is reported, and
 * the server still starts; those beyond the slots are loaded when first asked for.
 */
final class Preload {
  private static final Logger log = LoggerFactory.getLogger(Preload.class);

  private final AdapterRegistry registry;
  private final SortedMap<AdapterName, Path> found;
  private final int slots;
  private volatile boolean done;

  Preload(AdapterRegistry registry, AdapterFolder folder, int slots) {
    this.registry = registry;
    this.found = folder.scan();
    this.slots = slots;
  }

  /** Makes every adapter known, so that none is a 404 while others are still being loaded. */
  void register() {
    found.forEach(registry::register);
  }

  void load() {
    int loaded = 0;
    int broken = 0;
    try {
      for (AdapterName name : found.sequencedKeySet()) {
        if (loaded == slots) {
          break;
        }
        try {
          registry.acquire(name).close();
          loaded++;
        } catch (ServerProblem e) {
          // The registry has logged what is wrong with it.
          broken++;
        }
      }
    } finally {
      done = true;
    }
    log.info("{} of {} adapters loaded, {} broken", loaded, found.size(), broken);
  }

  boolean isDone() {
    return done;
  }
}
