package dev.banyan.artifacts.combine;

/**
 * Masks that are a function of seed, tensor, adapter and element and of nothing else, so that they
 * do not depend on which layers there are or on their order.
 *
 * <p>Numbers are SplitMix64's (Steele, Lea, Flood, 2014).
 *
 * @param seed two seeds give two adapters
 */
record SeededMasks(long seed) implements RandomMasks {
  private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;
  private static final double UNIT = 0x1.0p-53;

  @Override
  public boolean[] kept(Place tensor, int elements, double density) {
    long state = mixed(seed);
    for (int i = 0; i < tensor.key().length(); i++) {
      state = mixed(state + GOLDEN + tensor.key().charAt(i));
    }
    state = mixed(state + GOLDEN + tensor.adapter());
    boolean[] kept = new boolean[elements];
    for (int i = 0; i < elements; i++) {
      state += GOLDEN;
      kept[i] = (mixed(state) >>> 11) * UNIT < density;
    }
    return kept;
  }

  private static long mixed(long bits) {
    long mixed = (bits ^ bits >>> 30) * 0xBF58_476D_1CE4_E5B9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94D0_49BB_1331_11EBL;
    return mixed ^ mixed >>> 31;
  }
}
