package dev.banyan.runtime.cli;

import dev.banyan.artifacts.combine.CombinationRecipe;
import dev.banyan.artifacts.combine.CombinationType;
import dev.banyan.artifacts.combine.MajoritySign;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The flags that say how adapters are combined. One that has no effect on a type is refused. */
final class CombineOptions {
  @Option(
      names = "--type",
      paramLabel = "TYPE",
      defaultValue = "svd",
      description = "One of the types below (default: ${DEFAULT-VALUE}).")
  private CombinationType type = CombinationType.SVD;

  @Option(
      names = "--density",
      paramLabel = "SHARE",
      description = "The share of elements that stays, above 0 and at most 1; of the last four.")
  private @Nullable Double density;

  @Option(
      names = "--majority-sign",
      paramLabel = "HOW",
      description =
          "How a sign prevails: total, by the sum of the values, or frequency, by their number"
              + " (default: total); of ties.")
  private @Nullable MajoritySign sign;

  @Option(
      names = "--svd-rank",
      paramLabel = "N",
      description = "The rank to get (default: the largest of the adapters'); of svd.")
  private @Nullable Integer rank;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of what is drawn (default: " + CombinationRecipe.SEED + "); of dare.")
  private @Nullable Long seed;

  CombineOptions() {}

  CombinationRecipe recipe(CommandSpec spec) {
    requireUse(spec, "--density", density, type.leavesOut());
    requireUse(spec, "--majority-sign", sign, type.electsSigns());
    requireUse(spec, "--svd-rank", rank, type.takesRank());
    requireUse(spec, "--seed", seed, type.isRandom());
    if (density == null && type.leavesOut()) {
      throw new ParameterException(
          spec.commandLine(), "--type %s needs --density".formatted(type.text()));
    }
    if (rank != null && rank < 1) {
      throw new ParameterException(
          spec.commandLine(), "--svd-rank is %d; expected 1 or more".formatted(rank));
    }
    try {
      return new CombinationRecipe(
          type,
          density == null ? 1 : density,
          sign == null ? MajoritySign.TOTAL : sign,
          rank == null ? 0 : rank,
          seed == null ? CombinationRecipe.SEED : seed);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private void requireUse(CommandSpec spec, String flag, @Nullable Object value, boolean used) {
    if (value != null && !used) {
      throw new ParameterException(
          spec.commandLine(), "%s means nothing to --type %s".formatted(flag, type.text()));
    }
  }
}
