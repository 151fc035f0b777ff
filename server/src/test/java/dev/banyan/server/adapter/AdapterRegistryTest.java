package dev.banyan.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.server.problem.ServerProblem;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class AdapterRegistryTest {
  private static final AdapterName NAME = AdapterName.parse("acme/intent");
  private static final Path DIR = Path.of("acme/intent");

  /** Directories with a content instead of files; what was written is read back from the slots. */
  private static final class Contents implements AdapterSource {
    private final Map<Path, String> directories = new ConcurrentHashMap<>();
    private final Map<Integer, String> slots = new ConcurrentHashMap<>();
    private final AtomicInteger writes = new AtomicInteger();
    private final List<Integer> freed = new CopyOnWriteArrayList<>();

    @Override
    public void freed(int slot) {
      freed.add(slot);
      slots.remove(slot);
    }

    @Override
    public boolean isScarce(int slot) {
      return slots.getOrDefault(slot, "").startsWith("scarce");
    }

    Contents put(Path directory, String content) {
      directories.put(directory, content);
      return this;
    }

    @Override
    public Prepared prepare(Path directory) {
      String content = directories.getOrDefault(directory, "broken: missing");
      if (content.startsWith("broken")) {
        throw new IllegalArgumentException(content);
      }
      return new Prepared() {
        @Override
        public Digest digest() {
          return digestOf(content);
        }

        @Override
        public Task task() {
          return Task.TEXT_CLASSIFICATION;
        }

        @Override
        public List<String> labels() {
          return List.of("yes", "no");
        }

        @Override
        public void writeTo(int slot) {
          if (content.startsWith("scarce")
              && slots.keySet().stream().anyMatch(Contents.this::isScarce)) {
            throw new ServerProblem.NoFreeSlot("another has the only one");
          }
          writes.incrementAndGet();
          slots.put(slot, content);
        }
      };
    }
  }

  private static Digest digestOf(String content) {
    return Digest.of(content.getBytes(StandardCharsets.UTF_8));
  }

  private final Contents contents = new Contents();

  private AdapterRegistry registry(int slots) {
    return new AdapterRegistry(contents, slots, Duration.ofMillis(50));
  }

  private String serves(Lease lease) {
    return contents.slots.getOrDefault(lease.adapter().slot(), "nothing");
  }

  private static AdapterState state(AdapterRegistry registry, AdapterName name) {
    return registry.list().stream()
        .filter(listed -> listed.name().equals(name))
        .findFirst()
        .orElseThrow()
        .state();
  }

  private static AdapterName name(int i) {
    return AdapterName.parse("acme/a" + i);
  }

  private AdapterRegistry withAdapters(int slots, int adapters) {
    AdapterRegistry registry = registry(slots);
    for (int i = 0; i < adapters; i++) {
      Path directory = Path.of("a" + i);
      contents.put(directory, "content " + i);
      registry.register(name(i), directory);
    }
    return registry;
  }

  @Test
  void anUnknownAdapterIsNamed() {
    AdapterRegistry registry = registry(2);

    assertThatThrownBy(() -> registry.acquire(NAME))
        .isInstanceOf(ServerProblem.UnknownModel.class)
        .hasMessageContaining("acme/intent");
    assertThatThrownBy(() -> registry.remove(NAME)).isInstanceOf(ServerProblem.UnknownModel.class);
  }

  @Test
  void anAdapterOnDiskIsLoadedWhenFirstAskedFor() {
    AdapterRegistry registry = registry(2);
    contents.put(DIR, "v1");
    registry.register(NAME, DIR);
    assertThat(state(registry, NAME)).isEqualTo(new AdapterState.OnDisk());

    try (Lease lease = registry.acquire(NAME)) {
      assertThat(serves(lease)).isEqualTo("v1");
      assertThat(lease.adapter().digest()).isEqualTo(digestOf("v1"));
    }
    assertThat(state(registry, NAME)).isInstanceOf(AdapterState.Ready.class);
  }

  @Test
  void theSameContentIsNotLoadedAgain() {
    AdapterRegistry registry = registry(2);
    contents.put(DIR, "v1").put(Path.of("copy"), "v1");

    assertThat(registry.load(NAME, DIR).changed()).isTrue();
    assertThat(registry.load(NAME, Path.of("copy")).changed()).isFalse();
    assertThat(contents.writes).hasValue(1);
    assertThat(registry.slotsUsed()).isEqualTo(1);
  }

  @Test
  void aReplacedVersionAnswersThoseWhoStartedWithItAndThenFreesItsSlot() {
    AdapterRegistry registry = registry(2);
    registry.load(NAME, put("v1"));
    Lease old = registry.acquire(NAME);
    registry.load(NAME, put("v2"));
    Lease current = registry.acquire(NAME);

    assertThat(serves(old)).isEqualTo("v1");
    assertThat(serves(current)).isEqualTo("v2");
    assertThat(registry.slotsUsed()).isEqualTo(2);
    old.close();
    old.close();
    assertThat(registry.slotsUsed()).isEqualTo(1);
    assertThat(serves(current)).isEqualTo("v2");
    current.close();
    assertThat(registry.slotsUsed()).isEqualTo(1);
  }

  private Path put(String content) {
    contents.put(DIR, content);
    return DIR;
  }

  @Test
  void aFailedLoadLeavesTheOldVersionServing() {
    AdapterRegistry registry = registry(2);
    registry.load(NAME, put("v1"));

    assertThatThrownBy(() -> registry.load(NAME, put("broken: NaN")))
        .isInstanceOf(ServerProblem.RejectedAdapter.class)
        .hasMessage("broken: NaN");

    try (Lease lease = registry.acquire(NAME)) {
      assertThat(serves(lease)).isEqualTo("v1");
    }
    assertThat(registry.slotsUsed()).isEqualTo(1);
  }

  @Test
  void aBrokenAdapterSaysWhyUntilItIsMended() {
    AdapterRegistry registry = registry(2);
    registry.register(NAME, put("broken: NaN"));

    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> registry.acquire(NAME))
          .isInstanceOf(ServerProblem.BrokenAdapter.class)
          .hasMessageContaining("NaN");
    }
    assertThat(state(registry, NAME)).isEqualTo(new AdapterState.Failed("broken: NaN"));
    assertThat(registry.slotsUsed()).isZero();

    registry.load(NAME, put("v1"));
    try (Lease lease = registry.acquire(NAME)) {
      assertThat(serves(lease)).isEqualTo("v1");
    }
  }

  @Test
  void theLongestUnusedAdapterGivesUpItsSlot() {
    AdapterRegistry registry = withAdapters(2, 3);
    registry.acquire(name(0)).close();
    registry.acquire(name(1)).close();
    registry.acquire(name(0)).close();

    try (Lease lease = registry.acquire(name(2))) {
      assertThat(serves(lease)).isEqualTo("content 2");
    }
    assertThat(state(registry, name(0))).isInstanceOf(AdapterState.Ready.class);
    assertThat(state(registry, name(1))).isEqualTo(new AdapterState.OnDisk());
    try (Lease lease = registry.acquire(name(1))) {
      assertThat(serves(lease)).isEqualTo("content 1");
    }
  }

  @Test
  void whatIsScarcerThanSlotsIsTakenFromAnAdapterThatHasItAndNobodyUses() {
    AdapterRegistry registry = withAdapters(4, 3);
    contents.put(Path.of("a1"), "scarce 1").put(Path.of("a2"), "scarce 2");
    registry.acquire(name(0)).close();
    Lease first = registry.acquire(name(1));

    assertThatThrownBy(() -> registry.acquire(name(2)))
        .isInstanceOf(ServerProblem.NoFreeSlot.class)
        .hasMessageContaining("the only one");
    // Nothing is wrong with it, so that it may be asked for again.
    assertThat(state(registry, name(2))).isEqualTo(new AdapterState.OnDisk());

    first.close();
    try (Lease lease = registry.acquire(name(2))) {
      assertThat(serves(lease)).isEqualTo("scarce 2");
    }
    assertThat(state(registry, name(1))).isEqualTo(new AdapterState.OnDisk());
    assertThat(state(registry, name(0))).isInstanceOf(AdapterState.Ready.class);
  }

  @Test
  void anAdapterInUseIsNeverEvicted() {
    AdapterRegistry registry = withAdapters(2, 3);
    Lease first = registry.acquire(name(0));
    Lease second = registry.acquire(name(1));

    assertThatThrownBy(() -> registry.acquire(name(2)))
        .isInstanceOf(ServerProblem.NoFreeSlot.class)
        .hasMessageContaining("--slots");
    assertThat(state(registry, name(2))).isEqualTo(new AdapterState.OnDisk());

    first.close();
    try (Lease lease = registry.acquire(name(2))) {
      assertThat(serves(lease)).isEqualTo("content 2");
      assertThat(serves(second)).isEqualTo("content 1");
    }
  }

  @Test
  void replacingEvictsNobodyEvenWhenEverySlotIsTaken() {
    AdapterRegistry registry = withAdapters(2, 2);
    Lease first = registry.acquire(name(0));
    Lease second = registry.acquire(name(1));

    contents.put(Path.of("a0"), "newer");
    registry.load(name(0), Path.of("a0"));

    assertThat(serves(first)).isEqualTo("content 0");
    assertThat(serves(second)).isEqualTo("content 1");
    try (Lease lease = registry.acquire(name(0))) {
      assertThat(serves(lease)).isEqualTo("newer");
    }
  }

  @Test
  void aRemovedAdapterFinishesItsRequests() {
    AdapterRegistry registry = registry(2);
    registry.load(NAME, put("v1"));
    Lease lease = registry.acquire(NAME);

    registry.remove(NAME);

    assertThat(serves(lease)).isEqualTo("v1");
    assertThatThrownBy(() -> registry.acquire(NAME)).isInstanceOf(ServerProblem.UnknownModel.class);
    assertThat(registry.slotsUsed()).isEqualTo(1);
    assertThat(contents.freed).isEmpty();
    lease.close();
    assertThat(registry.slotsUsed()).isZero();
    assertThat(contents.freed).containsExactly(lease.adapter().slot());
  }

  @Test
  void twoLoadsOfOneAdapterAtOnceFillOneSlot() throws Exception {
    AdapterRegistry registry = registry(4);
    put("v1");

    List<AdapterRegistry.LoadResult> results = atOnce(16, () -> registry.load(NAME, DIR));

    assertThat(results).filteredOn(AdapterRegistry.LoadResult::changed).hasSize(1);
    assertThat(contents.writes).hasValue(1);
    assertThat(registry.slotsUsed()).isEqualTo(1);
  }

  @Test
  void manyFirstRequestsAtOnceLoadOnce() throws Exception {
    AdapterRegistry registry = registry(4);
    registry.register(NAME, put("v1"));

    List<Lease> leases = atOnce(16, () -> registry.acquire(NAME));

    assertThat(leases).allSatisfy(lease -> assertThat(serves(lease)).isEqualTo("v1"));
    assertThat(contents.writes).hasValue(1);
    leases.forEach(Lease::close);
    assertThat(registry.slotsUsed()).isEqualTo(1);
  }

  /**
   * More adapters than slots, replaced, removed and used by many threads: a lease must always show
   * one whole version of its own adapter, and no slot may be lost.
   */
  @Test
  void noLeaseEverSeesAnotherAdaptersSlot() throws Exception {
    AdapterRegistry registry = new AdapterRegistry(contents, 3, Duration.ofSeconds(20));
    AtomicInteger versions = new AtomicInteger();
    for (int i = 0; i < 6; i++) {
      contents.put(Path.of("a" + i), i + " v0");
      registry.register(name(i), Path.of("a" + i));
    }
    AtomicInteger turn = new AtomicInteger();

    List<Boolean> right =
        atOnce(
            8,
            () -> {
              boolean all = true;
              for (int step = 0; step < 300; step++) {
                int i = turn.getAndIncrement() % 6;
                if (step % 10 == 3) {
                  contents.put(Path.of("a" + i), i + " v" + versions.incrementAndGet());
                  registry.load(name(i), Path.of("a" + i));
                }
                try (Lease lease = registry.acquire(name(i))) {
                  String before = serves(lease);
                  all &= before.startsWith(i + " v") && before.equals(serves(lease));
                  all &= digestOf(before).equals(lease.adapter().digest());
                }
              }
              return all;
            });

    assertThat(right).containsOnly(true);
    assertThat(registry.slotsUsed()).isLessThanOrEqualTo(3);
    for (int i = 0; i < 6; i++) {
      registry.remove(name(i));
    }
    assertThat(registry.slotsUsed()).isZero();
  }

  private static <T> List<T> atOnce(int threads, Callable<T> work)
      throws InterruptedException, ExecutionException {
    try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<T> results = new ArrayList<>();
      for (Future<T> future : executor.invokeAll(Collections.nCopies(threads, work))) {
        results.add(future.get());
      }
      return results;
    }
  }
}
