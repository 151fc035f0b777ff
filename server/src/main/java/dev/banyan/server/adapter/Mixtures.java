package dev.banyan.server.adapter;

import dev.banyan.artifacts.combine.HeadChoice;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.server.problem.ServerProblem;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Mixtures of adapters, formed when first asked for and kept in slots of their own: whatever
 * clients make up, it takes no slot from an adapter. The mixture longest unused gives up its slot
 * when another is asked for.
 *
 * <p>A mixture is known by the content of its parts. When one of them is replaced, the next request
 * forms another mixture; requests in flight finish on the old one.
 *
 * <p>All methods may be called by any thread; {@link #acquire} reads files and waits.
 */
public final class Mixtures {
  private static final Logger log = LoggerFactory.getLogger(Mixtures.class);

  private final MixtureSource source;
  private final AdapterRegistry registry;
  private final SlotRange range;
  private final Duration patience;
  private final AdapterSlots slots;

  // Guarded by this; nothing is read or waited for while it is held.
  private final Map<Content, Entry> entries = new HashMap<>();
  private long uses;

  /** No mixture yet. */
  public Mixtures(MixtureSource source, AdapterRegistry registry, SlotRange range) {
    this(source, registry, range, AdapterSlots.PATIENCE);
  }

  Mixtures(MixtureSource source, AdapterRegistry registry, SlotRange range, Duration patience) {
    this.source = source;
    this.registry = registry;
    this.range = range;
    this.patience = patience;
    this.slots = new AdapterSlots(range, _ -> {});
  }

  private record Content(List<Weighted> parts, HeadChoice head) {
    private record Weighted(Digest digest, double weight) {}
  }

  private static final class Entry {
    final Content content;

    /** Held while the mixture is formed, so that it is formed once. */
    final ReentrantLock forming = new ReentrantLock();

    // Guarded by Mixtures.
    @Nullable Resident resident;
    long lastUse;

    Entry(Content content) {
      this.content = content;
    }
  }

  /** Slots that hold a mixture. */
  public int slotsUsed() {
    return slots.used();
  }

  /**
   * The mixture of the versions that answer now; forms it if it is in no slot.
   *
   * @throws ServerProblem.UnknownModel if one of the adapters is not known
   * @throws ServerProblem.BrokenAdapter if one of them could not be loaded
   * @throws ServerProblem.RejectedAdapter if they do not go together
   * @throws ServerProblem.NoFreeSlot if there is no slot for one of them or for the mixture
   * @throws ServerProblem.BadRequest if this server has no slots for mixtures
   */
  public Lease acquire(Mixture mixture) {
    if (range.count() == 0) {
      throw new ServerProblem.BadRequest(
          "This server mixes no adapters: it has to be started with --mixtures 1 or more.");
    }
    while (true) {
      List<AdapterVersion> versions = versions(mixture);
      Entry entry = entry(content(mixture, versions));
      entry.forming.lock();
      try {
        Optional<Lease> formed = useFormed(entry);
        if (formed.isPresent()) {
          return formed.get();
        }
        if (isKnown(entry)) {
          return form(entry, mixture, versions);
        }
      } catch (ServerProblem.RejectedAdapter e) {
        // What was read may have been replaced in between.
        if (versions.equals(versions(mixture))) {
          throw e;
        }
      } finally {
        entry.forming.unlock();
      }
    }
  }

  private List<AdapterVersion> versions(Mixture mixture) {
    return mixture.parts().stream().map(part -> registry.version(part.adapter())).toList();
  }

  private static Content content(Mixture mixture, List<AdapterVersion> versions) {
    List<Content.Weighted> parts =
        IntStream.range(0, versions.size())
            .mapToObj(
                i ->
                    new Content.Weighted(versions.get(i).digest(), mixture.parts().get(i).weight()))
            .toList();
    return new Content(parts, mixture.head());
  }

  /** Called with the entry's lock. */
  private Lease form(Entry entry, Mixture mixture, List<AdapterVersion> versions) {
    try {
      AdapterSource.Prepared prepared = source.mix(mixture, versions);
      int slot = claimSlot(mixture);
      try {
        prepared.writeTo(slot);
      } catch (RuntimeException | Error e) {
        slots.give(slot);
        throw e;
      }
      log.debug("Mixture {} is {} in slot {}", mixture, prepared.digest(), slot);
      return publish(
          entry, new Resident(slot, prepared.digest(), prepared.task(), prepared.labels()));
    } catch (ServerProblem.NoFreeSlot e) {
      forget(entry);
      throw e;
    } catch (RuntimeException | InternalError e) {
      // InternalError: a mapped file shrank while it was read.
      forget(entry);
      String reason = e.getMessage() == null ? e.toString() : e.getMessage();
      throw new ServerProblem.RejectedAdapter(
          "'%s' cannot be mixed: %s".formatted(mixture, reason), e);
    }
  }

  private int claimSlot(Mixture mixture) {
    return slots
        .claim(new AdapterSlots.Need(0, patience), this::evictLongestUnused)
        .orElseThrow(
            () ->
                new ServerProblem.NoFreeSlot(
                    "No slot for '%s': all %d for mixtures are in use. Try again, or start the server with more --mixtures."
                        .formatted(mixture, range.count())));
  }

  private synchronized boolean evictLongestUnused() {
    Optional<Entry> idle =
        entries.values().stream()
            .filter(entry -> entry.resident != null && !slots.isUsed(entry.resident))
            .min(Comparator.comparingLong(entry -> entry.lastUse));
    idle.ifPresent(
        entry -> {
          entries.remove(entry.content);
          Optional.ofNullable(entry.resident).ifPresent(slots::retire);
        });
    return idle.isPresent();
  }

  private synchronized Entry entry(Content content) {
    return entries.computeIfAbsent(content, Entry::new);
  }

  private synchronized Optional<Lease> useFormed(Entry entry) {
    return isKnown(entry)
        ? Optional.ofNullable(entry.resident).map(resident -> use(entry, resident))
        : Optional.empty();
  }

  private synchronized Lease publish(Entry entry, Resident formed) {
    entry.resident = formed;
    return use(entry, formed);
  }

  private Lease use(Entry entry, Resident resident) {
    entry.lastUse = ++uses;
    return slots.use(resident);
  }

  private synchronized boolean isKnown(Entry entry) {
    return entries.get(entry.content) == entry;
  }

  private synchronized void forget(Entry entry) {
    entries.remove(entry.content, entry);
  }
}
