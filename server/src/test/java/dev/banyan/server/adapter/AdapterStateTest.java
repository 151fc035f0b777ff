package dev.banyan.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.server.adapter.AdapterState.Event;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class AdapterStateTest {
  private static final Resident OLD = resident(1);
  private static final Resident NEW = resident(2);

  private static final AdapterState ON_DISK = new AdapterState.OnDisk();
  private static final AdapterState LOADING = new AdapterState.Loading();
  private static final AdapterState READY = new AdapterState.Ready(OLD);
  private static final AdapterState REPLACING = new AdapterState.Replacing(OLD);
  private static final AdapterState FAILED = new AdapterState.Failed("before");

  private static final Event STARTED = new Event.LoadStarted();
  private static final Event LOADED = new Event.Loaded(NEW);
  private static final Event UNCHANGED = new Event.Unchanged();
  private static final Event LOAD_FAILED = new Event.LoadFailed("now");
  private static final Event NO_SLOT = new Event.NoSlotFree();
  private static final Event EVICTED = new Event.Evicted();

  private static Resident resident(int slot) {
    return new Resident(
        slot, Digest.of(new byte[] {(byte) slot}), Task.TEXT_CLASSIFICATION, List.of("a"));
  }

  /** The whole table; what is not here cannot happen. */
  private static final List<Arguments> POSSIBLE =
      List.of(
          Arguments.of(ON_DISK, STARTED, LOADING),
          Arguments.of(FAILED, STARTED, LOADING),
          Arguments.of(READY, STARTED, REPLACING),
          Arguments.of(LOADING, LOADED, new AdapterState.Ready(NEW)),
          Arguments.of(REPLACING, LOADED, new AdapterState.Ready(NEW)),
          Arguments.of(REPLACING, UNCHANGED, READY),
          Arguments.of(LOADING, LOAD_FAILED, new AdapterState.Failed("now")),
          Arguments.of(REPLACING, LOAD_FAILED, READY),
          Arguments.of(LOADING, NO_SLOT, ON_DISK),
          Arguments.of(REPLACING, NO_SLOT, READY),
          Arguments.of(READY, EVICTED, ON_DISK));

  static Stream<Arguments> possible() {
    return POSSIBLE.stream();
  }

  static Stream<Arguments> impossible() {
    return Stream.of(ON_DISK, LOADING, READY, REPLACING, FAILED)
        .flatMap(
            state ->
                Stream.of(STARTED, LOADED, UNCHANGED, LOAD_FAILED, NO_SLOT, EVICTED)
                    .filter(
                        event ->
                            POSSIBLE.stream()
                                .noneMatch(
                                    row ->
                                        row.get()[0].equals(state) && row.get()[1].equals(event)))
                    .map(event -> Arguments.of(state, event)));
  }

  @ParameterizedTest
  @MethodSource("possible")
  void everyTransition(AdapterState before, Event event, AdapterState after) {
    assertThat(before.after(event)).isEqualTo(after);
  }

  @ParameterizedTest
  @MethodSource("impossible")
  void anythingElseIsAnError(AdapterState state, Event event) {
    assertThatThrownBy(() -> state.after(event)).isInstanceOf(IllegalStateException.class);
  }
}
