package dev.banyan.artifacts.bundle;

/**
 * The ranks at which adapters have a parameter: LoKr has a factor whole or as a product of thinner
 * ones, depending on which is smaller.
 *
 * @param least the lowest
 * @param most the highest
 */
public record RankRange(int least, int most) {
  /** Adapters of every rank have it. */
  public static final RankRange ALL = new RankRange(1, Integer.MAX_VALUE);

  /** Ranks below a bound. */
  public static RankRange below(int bound) {
    return new RankRange(1, bound - 1);
  }

  /** A bound, and the ranks above it. */
  public static RankRange from(int bound) {
    return new RankRange(bound, Integer.MAX_VALUE);
  }

  /** Whether a rank is one of them. */
  public boolean has(int rank) {
    return least <= rank && rank <= most;
  }
}
