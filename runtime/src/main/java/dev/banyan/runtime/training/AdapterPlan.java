package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.KeptWeights;
import dev.banyan.artifacts.bundle.Size;
import dev.banyan.artifacts.bundle.Sizes;

/**
 * The adapter that a run makes.
 *
 * @param rank LoRA's rank
 * @param alpha LoRA's alpha: the update is scaled by alpha / rank
 * @param rankStabilized whether it is scaled by alpha / sqrt(rank) instead (rsLoRA, Kalajdzievski,
 *     2023, arXiv:2312.03732)
 * @param ranks other ranks of single layers, which are scaled as all are unless they have an alpha
 * @param alphas other alphas of single layers
 * @param dropout the share of what adapters read that is dropped in training, from 0 to below 1
 * @param sizes what other methods than LoRA choose
 * @param kept which weights the method sparse trains
 */
public record AdapterPlan(
    int rank,
    double alpha,
    boolean rankStabilized,
    RankPattern ranks,
    AlphaPattern alphas,
    double dropout,
    Sizes sizes,
    KeptWeights kept) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public AdapterPlan {
    Require.that(rank >= 1, "rank", rank, "1 or more");
    Require.that(alpha > 0 && Double.isFinite(alpha), "alpha", alpha, "above 0");
    Require.that(dropout >= 0 && dropout < 1, "lora-dropout", dropout, "0 to below 1");
    int tokens = sizes.of(Size.TOKENS);
    Require.that(tokens >= 1, "virtual-tokens", tokens, "1 or more");
    int bottleneck = sizes.of(Size.BOTTLENECK);
    Require.that(bottleneck >= 1, "bottleneck", bottleneck, "1 or more");
    int projection = sizes.of(Size.PROJECTION);
    Require.that(projection >= 1, "vera-rank", projection, "1 or more");
  }

  /** A LoRA adapter, with usual sizes of other methods. */
  public AdapterPlan(
      int rank,
      double alpha,
      boolean rankStabilized,
      RankPattern ranks,
      AlphaPattern alphas,
      double dropout) {
    this(rank, alpha, rankStabilized, ranks, alphas, dropout, Sizes.usual(), KeptWeights.usual());
  }

  /** A plain LoRA adapter. */
  public static AdapterPlan lora(int rank, double alpha) {
    return new AdapterPlan(rank, alpha, false, RankPattern.none(), AlphaPattern.none(), 0);
  }

  /** The same with other ranks in some layers. */
  public AdapterPlan with(RankPattern other) {
    return new AdapterPlan(rank, alpha, rankStabilized, other, alphas, dropout, sizes, kept);
  }

  /** The same with other alphas in some layers. */
  public AdapterPlan with(AlphaPattern other) {
    return new AdapterPlan(rank, alpha, rankStabilized, ranks, other, dropout, sizes, kept);
  }

  /** The same with another share dropped. */
  public AdapterPlan withDropout(double other) {
    return new AdapterPlan(rank, alpha, rankStabilized, ranks, alphas, other, sizes, kept);
  }

  /** The same with another value of a size that other methods than LoRA have. */
  public AdapterPlan with(Size size, int value) {
    return new AdapterPlan(
        rank, alpha, rankStabilized, ranks, alphas, dropout, sizes.with(size, value), kept);
  }

  /** The same with another choice of the weights that the method sparse trains. */
  public AdapterPlan with(KeptWeights other) {
    return new AdapterPlan(rank, alpha, rankStabilized, ranks, alphas, dropout, sizes, other);
  }

  /** What LoRA's product is multiplied by in a layer of no pattern. */
  public double scaling() {
    return alpha / divisor(rank);
  }

  /** What alpha is divided by for the scaling of a layer. */
  double divisor(int ofRank) {
    return rankStabilized ? Math.sqrt(ofRank) : ofRank;
  }
}
