package dev.banyan.artifacts.combine;

/**
 * Where the combined adapter has its head from, and all else that an adapter holds whole and not as
 * a distance from the base: modules to save and biases. PEFT does not combine these.
 */
public sealed interface HeadChoice {
  /**
   * The mean by the adapters' weights, if they all say what they were trained for and have the same
   * labels in the same order.
   */
  record MeanOfKnown() implements HeadChoice {}

  /** The mean by the adapters' weights, also of adapters that do not name their labels. */
  record Mean() implements HeadChoice {}

  /**
   * That of one adapter, whatever the others have.
   *
   * @param adapter which of them, from 0
   */
  record Of(int adapter) implements HeadChoice {}
}
