package dev.banyan.runtime.training;

/**
 * The adapter that a run makes.
 *
 * @param rank LoRA's rank
 * @param alpha LoRA's alpha: the update is scaled by alpha / rank
 * @param rankStabilized whether it is scaled by alpha / sqrt(rank) instead (rsLoRA, Kalajdzievski,
 *     2023, arXiv:2312.03732)
 * @param ranks other ranks of single layers, which are scaled as all are
 */
public record AdapterPlan(int rank, double alpha, boolean rankStabilized, RankPattern ranks) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public AdapterPlan {
    Require.that(rank >= 1, "rank", rank, "1 or more");
    Require.that(alpha > 0 && Double.isFinite(alpha), "alpha", alpha, "above 0");
  }

  /** A plain LoRA adapter. */
  public static AdapterPlan lora(int rank, double alpha) {
    return new AdapterPlan(rank, alpha, false, RankPattern.none());
  }

  /** The same with other ranks in some layers. */
  public AdapterPlan with(RankPattern other) {
    return new AdapterPlan(rank, alpha, rankStabilized, other);
  }

  /** What LoRA's product is multiplied by. */
  public double scaling() {
    return alpha / (rankStabilized ? Math.sqrt(rank) : rank);
  }
}
