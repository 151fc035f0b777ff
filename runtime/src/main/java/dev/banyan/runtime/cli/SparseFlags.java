package dev.banyan.runtime.cli;

import dev.banyan.artifacts.bundle.KeptWeights;
import picocli.CommandLine.Option;

/** Which weights the method sparse trains, as flags. */
final class SparseFlags {
  @Option(
      names = "--keep",
      paramLabel = "SHARE",
      defaultValue = "0.005",
      description =
          "Share of each layer's weights that is trained (method sparse; default:"
              + " ${DEFAULT-VALUE}).")
  private double keep;

  @Option(
      names = "--keep-by",
      paramLabel = "RULE",
      defaultValue = "magnitude",
      description =
          "Which these are (method sparse): those of the largest magnitude; of the largest fisher"
              + " information on the training data; or random ones (default: ${DEFAULT-VALUE}).")
  private String keepBy = "magnitude";

  @Option(
      names = "--fisher-batches",
      paramLabel = "N",
      defaultValue = "32",
      description =
          "Batches of training data that --keep-by fisher estimates from (default:"
              + " ${DEFAULT-VALUE}).")
  private int fisherBatches;

  /**
   * The choice these flags ask for.
   *
   * @throws IllegalArgumentException that names the flag that is out of range
   */
  KeptWeights kept() {
    return new KeptWeights(keep, KeptWeights.Rule.parse(keepBy), fisherBatches);
  }
}
