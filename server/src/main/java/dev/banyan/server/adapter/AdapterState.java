package dev.banyan.server.adapter;

import java.util.Optional;

/** Where an adapter stands. {@link #after} is the only place where that changes. */
public sealed interface AdapterState {
  /** Known, but in no slot: loaded when first asked for. */
  record OnDisk() implements AdapterState {}

  /** Being loaded; nothing answers yet. */
  record Loading() implements AdapterState {}

  /**
   * Answers requests.
   *
   * @param current the version that answers
   */
  record Ready(Resident current) implements AdapterState {}

  /**
   * Answers requests while another version is being loaded.
   *
   * @param current the version that answers until then
   */
  record Replacing(Resident current) implements AdapterState {}

  /**
   * Could not be loaded, and nothing answers.
   *
   * @param reason what was wrong with it
   */
  record Failed(String reason) implements AdapterState {}

  /** The version that answers, if one does. */
  default Optional<Resident> resident() {
    return switch (this) {
      case Ready(Resident current) -> Optional.of(current);
      case Replacing(Resident current) -> Optional.of(current);
      case OnDisk(), Loading(), Failed(_) -> Optional.empty();
    };
  }

  /** What can happen to an adapter. */
  sealed interface Event {
    /** A load begins. */
    record LoadStarted() implements Event {}

    /**
     * A version is in its slot.
     *
     * @param loaded the version
     */
    record Loaded(Resident loaded) implements Event {}

    /** What was to be loaded is what answers already. */
    record Unchanged() implements Event {}

    /**
     * A load failed.
     *
     * @param reason what was wrong
     */
    record LoadFailed(String reason) implements Event {}

    /** No slot was free, which says nothing about the adapter: it may be asked for again. */
    record NoSlotFree() implements Event {}

    /** The slot goes to another adapter. */
    record Evicted() implements Event {}
  }

  /**
   * The state after an event.
   *
   * @throws IllegalStateException if the event cannot happen in this state: an error in the
   *     registry
   */
  default AdapterState after(Event event) {
    return switch (event) {
      case Event.LoadStarted() ->
          switch (this) {
            case OnDisk(), Failed(_) -> new Loading();
            case Ready(Resident current) -> new Replacing(current);
            case Loading(), Replacing(_) -> throw impossible(event);
          };
      case Event.Loaded(Resident loaded) ->
          switch (this) {
            case Loading(), Replacing(_) -> new Ready(loaded);
            case OnDisk(), Ready(_), Failed(_) -> throw impossible(event);
          };
      case Event.Unchanged() ->
          switch (this) {
            case Replacing(Resident current) -> new Ready(current);
            case OnDisk(), Loading(), Ready(_), Failed(_) -> throw impossible(event);
          };
      case Event.LoadFailed(String reason) ->
          switch (this) {
            case Loading() -> new Failed(reason);
            case Replacing(Resident current) -> new Ready(current);
            case OnDisk(), Ready(_), Failed(_) -> throw impossible(event);
          };
      case Event.NoSlotFree() ->
          switch (this) {
            case Loading() -> new OnDisk();
            case Replacing(Resident current) -> new Ready(current);
            case OnDisk(), Ready(_), Failed(_) -> throw impossible(event);
          };
      case Event.Evicted() ->
          switch (this) {
            case Ready(_) -> new OnDisk();
            case OnDisk(), Loading(), Replacing(_), Failed(_) -> throw impossible(event);
          };
    };
  }

  private IllegalStateException impossible(Event event) {
    return new IllegalStateException("%s cannot happen in state %s".formatted(event, this));
  }
}
