package dev.banyan.artifacts.bundle;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Which weights of a layer the method {@code sparse} trains.
 *
 * @param share of a layer's weights, above 0 to 1; at least one weight
 * @param by what makes a weight one of them
 * @param batches of training data whose gradients the Fisher information is estimated from
 */
public record KeptWeights(double share, Rule by, int batches) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException that names what is out of range
   */
  public KeptWeights {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException(
          "keep is " + share + "; expected above 0 to 1, such as 0.005");
    }
    if (batches < 1) {
      throw new IllegalArgumentException("fisher-batches is " + batches + "; expected 1 or more");
    }
  }

  /** One half of a percent, the largest of the base. */
  public static KeptWeights usual() {
    return new KeptWeights(0.005, Rule.MAGNITUDE, 32);
  }

  /** How many of a layer's weights these are. */
  public int of(long weights) {
    return Math.toIntExact(Math.clamp(Math.round(share * weights), 1, weights));
  }

  /** What makes a weight one of those that are trained. */
  public enum Rule {
    /** The base's weight is among the largest, whatever its sign. */
    MAGNITUDE,
    /** The squares of its gradients are among the largest on the training data. */
    FISHER,
    /** Chance, by the run's seed. */
    RANDOM;

    /** The name on the command line and in files. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The rule of this name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Rule parse(String text) {
      return Arrays.stream(values())
          .filter(rule -> rule.text().equals(text))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "keep-by is '%s'; expected one of %s"
                          .formatted(
                              text,
                              Arrays.stream(values())
                                  .map(Rule::text)
                                  .collect(Collectors.joining(", ")))));
    }
  }
}
