package dev.banyan.server.adapter;

import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.server.adapter.AdapterState.Event;
import dev.banyan.server.problem.ServerProblem;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every adapter the server knows, and which version of it answers.
 *
 * <p>A request {@linkplain #acquire acquires} the version that is current when it starts and keeps
 * that version, in its slot, until it closes the lease. A load fills another slot and then
 * switches: requests before the switch finish on the old version, requests after it start on the
 * new one, and the old slot is free again when its last lease is closed. A load that fails changes
 * nothing for those who use the old version.
 *
 * <p>Adapters beyond the number of slots stay on disk; the one longest unused gives up its slot
 * when another is asked for. The bank has one slot more than may be resident, so that replacing an
 * adapter never needs to evict another.
 *
 * <p>All methods may be called by any thread. Those that load, {@link #acquire} at first use
 * included, read files and wait: never call them on an event loop.
 */
public final class AdapterRegistry {
  private static final Logger log = LoggerFactory.getLogger(AdapterRegistry.class);

  private final AdapterSource source;
  private final int residents;
  private final Duration patience;
  private final AdapterSlots slots;

  // Guarded by this; files are never read and slots never waited for while it is held.
  private final TreeMap<AdapterName, AdapterEntry> entries = new TreeMap<>();
  private long uses;

  /**
   * A registry that knows no adapter.
   *
   * @param residents most adapters in slots at once; the bank must have one slot more
   */
  public AdapterRegistry(AdapterSource source, int residents) {
    this(source, residents, AdapterSlots.PATIENCE);
  }

  AdapterRegistry(AdapterSource source, int residents, Duration patience) {
    this.source = source;
    this.residents = residents;
    this.patience = patience;
    this.slots = new AdapterSlots(new SlotRange(1, residents + 1), source::freed);
  }

  /**
   * What {@link #load} did.
   *
   * @param digest the version that answers now
   * @param labels its labels
   * @param changed false if that version answered already
   */
  public record LoadResult(Digest digest, List<String> labels, boolean changed) {}

  /**
   * An adapter and its state.
   *
   * @param name its name
   * @param state its state when asked
   */
  public record Listed(AdapterName name, AdapterState state) {}

  /** Makes an adapter known, to be loaded when first asked for; no effect on a known one. */
  public synchronized void register(AdapterName name, Path directory) {
    entries.computeIfAbsent(name, key -> new AdapterEntry(name, directory));
  }

  /** Every known adapter, by name. */
  public synchronized List<Listed> list() {
    return entries.values().stream().map(e -> new Listed(e.name, e.state)).toList();
  }

  /** Slots that hold an adapter, those included that are being filled or drained. */
  public int slotsUsed() {
    return slots.used();
  }

  /**
   * The version of an adapter that answers now; loads it if it is in no slot.
   *
   * @throws ServerProblem.UnknownModel if no adapter has that name
   * @throws ServerProblem.BrokenAdapter if it could not be loaded
   * @throws ServerProblem.NoFreeSlot if it is in no slot and none came free
   */
  public Lease acquire(AdapterName name) {
    while (true) {
      AdapterEntry entry = known(name);
      Optional<Lease> lease = useCurrent(entry);
      if (lease.isPresent()) {
        return lease.get();
      }
      entry.loading.lock();
      try {
        // Others that asked for it at the same time have waited for this lock and find it loaded.
        lease = useCurrent(entry);
        if (lease.isPresent()) {
          return lease.get();
        }
        if (isRegistered(entry)) {
          return loadLocked(entry, entry.directory).lease();
        }
      } catch (ServerProblem.RejectedAdapter e) {
        throw broken(name, e.detail());
      } finally {
        entry.loading.unlock();
      }
    }
  }

  /**
   * Which version of an adapter answers now; loads it if it is in no slot.
   *
   * @throws ServerProblem as {@link #acquire} does
   */
  AdapterVersion version(AdapterName name) {
    while (true) {
      try (Lease lease = acquire(name)) {
        AdapterEntry entry = known(name);
        entry.loading.lock();
        try {
          if (isCurrent(entry, lease.adapter())) {
            return new AdapterVersion(name, entry.directory, lease.adapter().digest());
          }
        } finally {
          entry.loading.unlock();
        }
      }
    }
  }

  private synchronized boolean isCurrent(AdapterEntry entry, Resident resident) {
    return isRegistered(entry) && entry.state.resident().filter(resident::equals).isPresent();
  }

  /**
   * Loads an adapter from a directory, or replaces the version that answers. Loads of one adapter
   * follow each other; a load of the content that answers already does nothing.
   *
   * @throws ServerProblem.RejectedAdapter if it is damaged or does not fit; a version that answered
   *     before still does
   * @throws ServerProblem.NoFreeSlot if every slot is in use
   */
  public LoadResult load(AdapterName name, Path directory) {
    while (true) {
      register(name, directory);
      AdapterEntry entry = known(name);
      entry.loading.lock();
      try {
        if (isRegistered(entry)) {
          LoadedVersion version = loadLocked(entry, directory);
          version.lease().close();
          Resident adapter = version.lease().adapter();
          log.info("Adapter {} is {}", name, adapter.digest());
          return new LoadResult(adapter.digest(), adapter.labels(), version.changed());
        }
      } finally {
        entry.loading.unlock();
      }
    }
  }

  /**
   * Forgets an adapter; its files stay. Requests that use it finish.
   *
   * @throws ServerProblem.UnknownModel if no adapter has that name
   */
  public void remove(AdapterName name) {
    AdapterEntry entry = known(name);
    entry.loading.lock();
    try {
      synchronized (this) {
        if (entries.remove(name, entry)) {
          entry.state.resident().ifPresent(slots::retire);
          log.info("Removed adapter {}", name);
        }
      }
    } finally {
      entry.loading.unlock();
    }
  }

  private record LoadedVersion(Lease lease, boolean changed) {}

  /** Called with the entry's loading lock; nothing else makes an entry begin to load. */
  private LoadedVersion loadLocked(AdapterEntry entry, Path directory) {
    advance(entry, new Event.LoadStarted());
    try {
      AdapterSource.Prepared prepared = source.prepare(directory);
      Optional<Lease> same = useIfSame(entry, directory, prepared.digest());
      if (same.isPresent()) {
        return new LoadedVersion(same.get(), false);
      }
      Resident loaded = fillSlot(entry, prepared);
      return new LoadedVersion(publish(entry, directory, loaded), true);
    } catch (ServerProblem.NoFreeSlot e) {
      advance(entry, new Event.NoSlotFree());
      throw e;
    } catch (RuntimeException | InternalError e) {
      // InternalError: a mapped file shrank while it was read.
      String reason = e.getMessage() == null ? e.toString() : e.getMessage();
      log.warn("Adapter {} was not loaded: {}", entry.name, reason);
      advance(entry, new Event.LoadFailed(reason));
      throw new ServerProblem.RejectedAdapter(reason, e);
    }
  }

  private Resident fillSlot(AdapterEntry entry, AdapterSource.Prepared prepared) {
    int slot = claimSlot(entry);
    try {
      long start = System.nanoTime();
      write(prepared, slot);
      long micros = TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - start);
      log.debug("Adapter {} {}: slot {} in {} us", entry.name, prepared.digest(), slot, micros);
      return new Resident(slot, prepared.digest(), prepared.task(), prepared.labels());
    } catch (RuntimeException | Error e) {
      slots.give(slot);
      throw e;
    }
  }

  /** Fills a slot, and takes what it lacks for that from adapters that nobody uses. */
  private void write(AdapterSource.Prepared prepared, int slot) {
    while (true) {
      try {
        prepared.writeTo(slot);
        return;
      } catch (ServerProblem.NoFreeSlot e) {
        if (!evictLongestUnused(source::isScarce)) {
          throw e;
        }
      }
    }
  }

  private int claimSlot(AdapterEntry entry) {
    AdapterSlots.Need need = new AdapterSlots.Need(replaces(entry) ? 0 : 1, patience);
    return slots
        .claim(need, () -> evictLongestUnused(_ -> true))
        .orElseThrow(
            () ->
                new ServerProblem.NoFreeSlot(
                    "No slot for adapter %s: all %d are in use. Try again, or start the server with more --slots."
                        .formatted(entry.name, residents)));
  }

  private synchronized boolean replaces(AdapterEntry entry) {
    return entry.state instanceof AdapterState.Replacing;
  }

  private synchronized boolean evictLongestUnused(IntPredicate slot) {
    Optional<AdapterEntry> idle =
        entries.values().stream()
            .filter(e -> e.state instanceof AdapterState.Ready(Resident r) && isIdle(r, slot))
            .min(Comparator.comparingLong(e -> e.lastUse));
    idle.ifPresent(
        entry -> {
          Optional<Resident> resident = entry.state.resident();
          advance(entry, new Event.Evicted());
          resident.ifPresent(slots::retire);
          log.debug("Evicted adapter {}", entry.name);
        });
    return idle.isPresent();
  }

  private boolean isIdle(Resident resident, IntPredicate slot) {
    return !slots.isUsed(resident) && slot.test(resident.slot());
  }

  private synchronized Optional<Lease> useIfSame(
      AdapterEntry entry, Path directory, Digest digest) {
    Optional<Resident> same = entry.state.resident().filter(r -> r.digest().equals(digest));
    if (same.isPresent()) {
      entry.directory = directory;
      advance(entry, new Event.Unchanged());
    }
    return same.map(resident -> use(entry, resident));
  }

  private synchronized Lease publish(AdapterEntry entry, Path directory, Resident loaded) {
    Optional<Resident> before = entry.state.resident();
    entry.directory = directory;
    advance(entry, new Event.Loaded(loaded));
    before.ifPresent(slots::retire);
    return use(entry, loaded);
  }

  private synchronized Optional<Lease> useCurrent(AdapterEntry entry) {
    if (!isRegistered(entry)) {
      return Optional.empty();
    }
    if (entry.state instanceof AdapterState.Failed(String reason)) {
      throw broken(entry.name, reason);
    }
    return entry.state.resident().map(resident -> use(entry, resident));
  }

  private Lease use(AdapterEntry entry, Resident resident) {
    entry.lastUse = ++uses;
    return slots.use(resident);
  }

  private static ServerProblem.BrokenAdapter broken(AdapterName name, String reason) {
    return new ServerProblem.BrokenAdapter(
        "Adapter %s could not be loaded: %s".formatted(name, reason));
  }

  private synchronized void advance(AdapterEntry entry, Event event) {
    entry.state = entry.state.after(event);
  }

  private synchronized AdapterEntry known(AdapterName name) {
    AdapterEntry entry = entries.get(name);
    if (entry == null) {
      throw new ServerProblem.UnknownModel(
          "There is no adapter '%s'. GET /v1/models lists those there are.".formatted(name));
    }
    return entry;
  }

  private synchronized boolean isRegistered(AdapterEntry entry) {
    return entries.get(entry.name) == entry;
  }
}
