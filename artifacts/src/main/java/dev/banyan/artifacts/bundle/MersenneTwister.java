package dev.banyan.artifacts.bundle;

/**
 * The generator MT19937 (Matsumoto and Nishimura, 1998), which PyTorch draws with on a CPU. Java's
 * own generators draw other numbers.
 */
final class MersenneTwister {
  private static final int WORDS = 624;
  private static final int MIDDLE = 397;
  private static final int TWIST = 0x9908b0df;
  private static final int UPPER = 0x80000000;

  /** As many bits as a float holds exactly. */
  private static final int FLOAT_BITS = 24;

  private final int[] state = new int[WORDS];
  private int next = WORDS;

  /** Seeds it as the authors do; of the seed the lower 32 bits count. */
  MersenneTwister(long seed) {
    state[0] = (int) seed;
    for (int i = 1; i < WORDS; i++) {
      int before = state[i - 1];
      state[i] = 1812433253 * (before ^ before >>> 30) + i;
    }
  }

  /** A float from 0 to below 1, as PyTorch makes one of 32 random bits. */
  float unit() {
    return (bits() & (1 << FLOAT_BITS) - 1) * 0x1p-24f;
  }

  /** The next 32 random bits. */
  int bits() {
    if (next == WORDS) {
      twist();
    }
    int bits = state[next++];
    bits ^= bits >>> 11;
    bits ^= bits << 7 & 0x9d2c5680;
    bits ^= bits << 15 & 0xefc60000;
    return bits ^ bits >>> 18;
  }

  private void twist() {
    for (int i = 0; i < WORDS; i++) {
      int both = (state[i] & UPPER) | (state[(i + 1) % WORDS] & ~UPPER);
      state[i] = state[(i + MIDDLE) % WORDS] ^ both >>> 1 ^ ((both & 1) == 0 ? 0 : TWIST);
    }
    next = 0;
  }
}
