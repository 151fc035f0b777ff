package dev.banyan.runtime.cli;

import dev.banyan.artifacts.bundle.Size;
import dev.banyan.runtime.training.AdapterPlan;
import dev.banyan.runtime.training.AlphaPattern;
import dev.banyan.runtime.training.RankPattern;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which adapter to train, as flags. */
final class AdapterFlags {
  @Option(
      names = "--rank",
      paramLabel = "R",
      defaultValue = "8",
      description = "Rank of the adapter (default: ${DEFAULT-VALUE}).")
  private int rank;

  @Option(
      names = "--alpha",
      paramLabel = "A",
      defaultValue = "16",
      description = "The adapter's update is scaled by alpha/rank (default: ${DEFAULT-VALUE}).")
  private double alpha;

  @Option(
      names = "--rslora",
      description = "Scale it by alpha/sqrt(rank) instead (rank-stabilized LoRA).")
  private boolean rankStabilized;

  @Option(
      names = "--rank-pattern",
      paramLabel = "LAYERS=R,..",
      defaultValue = "",
      description =
          "Other ranks for some layers, by names or regular expressions: query=16,layer.5=4. Their"
              + " updates are scaled as all are, unless --alpha-pattern says otherwise.")
  private String rankPattern = "";

  @Option(
      names = "--alpha-pattern",
      paramLabel = "LAYERS=A,..",
      defaultValue = "",
      description = "Other alphas for some layers, named as in --rank-pattern: query=32,layer.5=8.")
  private String alphaPattern = "";

  @Option(
      names = "--virtual-tokens",
      paramLabel = "N",
      defaultValue = "20",
      description =
          "Learned tokens of a prompt or of a prefix (methods prompt and prefix; default:"
              + " ${DEFAULT-VALUE}).")
  private int virtualTokens;

  @Option(
      names = "--bottleneck",
      paramLabel = "N",
      defaultValue = "48",
      description =
          "Width of the small networks of the method bottleneck (default: ${DEFAULT-VALUE}).")
  private int bottleneck;

  @Option(
      names = "--vera-rank",
      paramLabel = "R",
      defaultValue = "256",
      description =
          "Rank of the random matrices of the method vera, of which nothing but a vector is trained"
              + " (default: ${DEFAULT-VALUE}).")
  private int veraRank;

  @Option(
      names = "--lora-dropout",
      paramLabel = "P",
      defaultValue = "0",
      description =
          "Share of what adapters read that is dropped in training; needs a bundle of 'prepare"
              + " --lora-dropout' (default: ${DEFAULT-VALUE}).")
  private double dropout;

  @Mixin private SparseFlags sparse = new SparseFlags();

  /**
   * The adapter these flags ask for.
   *
   * @throws IllegalArgumentException that names the flag that is out of range
   */
  AdapterPlan plan() {
    return new AdapterPlan(
            rank,
            alpha,
            rankStabilized,
            RankPattern.parse(rankPattern),
            AlphaPattern.parse(alphaPattern),
            dropout)
        .with(Size.TOKENS, virtualTokens)
        .with(Size.BOTTLENECK, bottleneck)
        .with(Size.PROJECTION, veraRank)
        .with(sparse.kept());
  }
}
