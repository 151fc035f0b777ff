package dev.banyan.artifacts.combine;

/** Draws which elements of a tensor a random rule keeps. */
@FunctionalInterface
interface RandomMasks {
  /**
   * The elements that stay.
   *
   * @param tensor which tensor of which adapter
   * @param elements how many elements it has
   * @param density the chance of each to stay
   */
  boolean[] kept(Place tensor, int elements, double density);

  /**
   * A tensor that is drawn for.
   *
   * @param key its name, of a product that of the layer's A
   * @param adapter which of the adapters, from 0
   */
  record Place(String key, int adapter) {}
}
