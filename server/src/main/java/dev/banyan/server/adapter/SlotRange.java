package dev.banyan.server.adapter;

/**
 * Slots of the bank that are for one kind of use.
 *
 * @param first the lowest; slot 0 is the bare base and for nothing else
 * @param count how many; may be none
 */
public record SlotRange(int first, int count) {
  /**
   * Checks the range.
   *
   * @throws IllegalArgumentException if slot 0 is in it, or the count is negative
   */
  public SlotRange {
    if (first < 1 || count < 0) {
      throw new IllegalArgumentException("No slots: %d from %d on".formatted(count, first));
    }
  }
}
