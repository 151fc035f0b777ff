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
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class MixturesTest {
  private static final int FIRST = 10;

  /** Contents instead of files; a mixture's is its parts' with their weights. */
  private static final class Contents implements AdapterSource, MixtureSource {
    private final Map<Path, String> directories = new ConcurrentHashMap<>();
    private final Map<Integer, String> slots = new ConcurrentHashMap<>();
    private final AtomicInteger mixed = new AtomicInteger();

    /** What happens while a mixture is being formed, once. */
    private volatile Runnable meanwhile = () -> {};

    @Override
    public Prepared prepare(Path directory) {
      return prepared(directories.getOrDefault(directory, "nothing"));
    }

    @Override
    public Prepared mix(Mixture mixture, List<AdapterVersion> versions) {
      mixed.incrementAndGet();
      Runnable now = meanwhile;
      meanwhile = () -> {};
      now.run();
      List<String> parts = new ArrayList<>();
      for (int i = 0; i < versions.size(); i++) {
        String content = directories.getOrDefault(versions.get(i).directory(), "nothing");
        if (!digestOf(content).equals(versions.get(i).digest())) {
          throw new IllegalArgumentException("other files than were loaded");
        }
        parts.add(content + "*" + mixture.parts().get(i).weight());
      }
      return prepared(String.join("+", parts));
    }

    private Prepared prepared(String content) {
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
          slots.put(slot, content);
        }
      };
    }
  }

  private static Digest digestOf(String content) {
    return Digest.of(content.getBytes(StandardCharsets.UTF_8));
  }

  private static AdapterName name(String letter) {
    return new AdapterName("acme", letter);
  }

  private static Path directory(String letter) {
    return Path.of("acme", letter);
  }

  private static Mixture mixture(String first, String second, double weight) {
    return Mixture.of(
        List.of(new Mixture.Part(name(first), weight), new Mixture.Part(name(second), 1 - weight)),
        "");
  }

  private final Contents contents = new Contents();
  private AdapterRegistry registry;

  @BeforeEach
  void registerAdapters() {
    registry = new AdapterRegistry(contents, 8, Duration.ofMillis(50));
    for (String letter : List.of("a", "b", "c")) {
      contents.directories.put(directory(letter), letter);
      registry.register(name(letter), directory(letter));
    }
  }

  private Mixtures mixtures(int slots) {
    SlotRange range = new SlotRange(FIRST, slots);
    return new Mixtures(contents, registry, range, Duration.ofMillis(50));
  }

  private String serves(Lease lease) {
    assertThat(lease.adapter().slot()).isGreaterThanOrEqualTo(FIRST);
    return contents.slots.getOrDefault(lease.adapter().slot(), "nothing");
  }

  @Test
  void aMixtureIsFormedOnceInWhateverOrderItsPartsAreNamed() {
    Mixtures mixtures = mixtures(2);
    try (Lease first = mixtures.acquire(mixture("a", "b", 0.75));
        Lease again = mixtures.acquire(mixture("b", "a", 0.25))) {
      assertThat(serves(first)).isEqualTo("a*0.75+b*0.25");
      assertThat(again.adapter()).isSameAs(first.adapter());
    }
    assertThat(contents.mixed).hasValue(1);
    assertThat(mixtures.slotsUsed()).isEqualTo(1);
  }

  @Test
  void manyAtOnceFormItOnce() throws InterruptedException, ExecutionException {
    Mixtures mixtures = mixtures(1);
    List<Future<Resident>> found = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (int i = 0; i < 32; i++) {
        found.add(
            threads.submit(
                () -> {
                  try (Lease lease = mixtures.acquire(mixture("a", "b", 0.5))) {
                    return lease.adapter();
                  }
                }));
      }
    }
    for (Future<Resident> one : found) {
      assertThat(one.get()).isSameAs(found.getFirst().get());
    }
    assertThat(contents.mixed).hasValue(1);
  }

  @Test
  void aReplacedPartIsMixedAnewAndRequestsInFlightKeepTheOldOne() {
    Mixtures mixtures = mixtures(2);
    try (Lease old = mixtures.acquire(mixture("a", "b", 0.5))) {
      contents.directories.put(directory("a"), "A");
      registry.load(name("a"), directory("a"));
      try (Lease now = mixtures.acquire(mixture("a", "b", 0.5))) {
        assertThat(serves(now)).isEqualTo("A*0.5+b*0.5");
        assertThat(serves(old)).isEqualTo("a*0.5+b*0.5");
      }
    }
  }

  @Test
  void aPartThatIsReplacedWhileItIsReadIsReadAgain() {
    contents.meanwhile =
        () -> {
          contents.directories.put(directory("a"), "A");
          registry.load(name("a"), directory("a"));
        };
    try (Lease lease = mixtures(1).acquire(mixture("a", "b", 0.5))) {
      assertThat(serves(lease)).isEqualTo("A*0.5+b*0.5");
    }
  }

  @Test
  void filesThatWereNotLoadedAreNotMixed() {
    Mixtures mixtures = mixtures(1);
    registry.acquire(name("a")).close();
    contents.directories.put(directory("a"), "A");
    assertThatThrownBy(() -> mixtures.acquire(mixture("a", "b", 0.5)))
        .isInstanceOf(ServerProblem.RejectedAdapter.class)
        .hasMessage("'acme/a*0.5 + acme/b*0.5' cannot be mixed: other files than were loaded");
    registry.load(name("a"), directory("a"));
    try (Lease lease = mixtures.acquire(mixture("a", "b", 0.5))) {
      assertThat(serves(lease)).isEqualTo("A*0.5+b*0.5");
    }
  }

  @Test
  void theMixtureLongestUnusedGivesUpItsSlotAndNoAdapterDoes() {
    Mixtures mixtures = mixtures(2);
    mixtures.acquire(mixture("a", "b", 0.5)).close();
    mixtures.acquire(mixture("a", "c", 0.5)).close();
    mixtures.acquire(mixture("a", "b", 0.5)).close();
    int adapters = registry.slotsUsed();
    mixtures.acquire(mixture("b", "c", 0.5)).close();
    assertThat(registry.slotsUsed()).isEqualTo(adapters);
    assertThat(mixtures.slotsUsed()).isEqualTo(2);
    mixtures.acquire(mixture("a", "b", 0.5)).close();
    assertThat(contents.mixed).hasValue(3);
    mixtures.acquire(mixture("a", "c", 0.5)).close();
    assertThat(contents.mixed).hasValue(4);
  }

  @Test
  void whileAllAreInUseAnotherOneFindsNoSlotAndLaterDoes() {
    Mixtures mixtures = mixtures(1);
    try (Lease _ = mixtures.acquire(mixture("a", "b", 0.5))) {
      assertThatThrownBy(() -> mixtures.acquire(mixture("a", "c", 0.5)))
          .isInstanceOf(ServerProblem.NoFreeSlot.class)
          .hasMessageContaining("--mixtures");
    }
    try (Lease lease = mixtures.acquire(mixture("a", "c", 0.5))) {
      assertThat(serves(lease)).isEqualTo("a*0.5+c*0.5");
    }
  }

  @Test
  void aPartThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> mixtures(1).acquire(mixture("a", "x", 0.5)))
        .isInstanceOf(ServerProblem.UnknownModel.class)
        .hasMessageContaining("acme/x");
  }

  @Test
  void aServerWithoutSlotsForMixturesSaysSo() {
    assertThatThrownBy(() -> mixtures(0).acquire(mixture("a", "b", 0.5)))
        .isInstanceOf(ServerProblem.BadRequest.class)
        .hasMessageContaining("--mixtures");
  }
}
